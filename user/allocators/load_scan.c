// SPDX-License-Identifier: GPL-2.0
/* See load_scan.h. Called by stripped_glibc.c for programs without symbols. */
#include "allocators/load_scan.h"

#include <errno.h>
#include <stdlib.h>

#define PART_BYTES (256 << 10)

struct scan {
	const struct elf_image *image;
	uint8_t *bytes; /* PART_BYTES */
	uint64_t nr_left;
	int (*look)(const struct load_part *part, void *context);
	void *context;
};

static bool is_of_kind(const Elf64_Phdr *load, enum load_kind kind)
{
	return kind == LOAD_CODE ? load->p_flags & PF_X : !(load->p_flags & (PF_W | PF_X));
}

static int look_through(struct scan *scan, const Elf64_Phdr *load)
{
	const uint64_t step = PART_BYTES - LOAD_SCAN_WHOLE_BYTES;
	int err = 0;

	for (uint64_t at = 0; at < load->p_filesz && scan->nr_left && !err; at += step) {
		uint64_t left = load->p_filesz - at;
		struct load_part part = {
			.bytes = scan->bytes,
			.nr_bytes = left < PART_BYTES ? left : PART_BYTES,
			.address = load->p_vaddr + at,
		};

		err = elf_image__read(scan->image, load->p_offset + at, scan->bytes, part.nr_bytes);
		if (!err)
			err = scan->look(&part, scan->context);
		scan->nr_left -= scan->nr_left < part.nr_bytes ? scan->nr_left : part.nr_bytes;
	}
	return err;
}

int load_scan__each(const struct elf_image *image, enum load_kind kind, uint64_t nr_bytes_max,
		    int (*look)(const struct load_part *part, void *context), void *context)
{
	struct scan scan = {
		.image = image,
		.bytes = malloc(PART_BYTES),
		.nr_left = nr_bytes_max,
		.look = look,
		.context = context,
	};
	const Elf64_Phdr *load;
	int err = 0;

	if (!scan.bytes)
		return -ENOMEM;
	for (size_t i = 0; !err && (load = elf_image__segment(image, PT_LOAD, i)); i++)
		if (is_of_kind(load, kind))
			err = look_through(&scan, load);
	free(scan.bytes);
	return err;
}
