// SPDX-License-Identifier: GPL-2.0
/*
 * Finds code and call frame information by ELF headers. Section headers, which strip may remove,
 * are believed only as far as they make sense. Without them the program header PT_GNU_EH_FRAME
 * leads to .eh_frame (Linux Standard Base, Core, ".eh_frame_hdr").
 */
#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <dwarf.h>

#include "elf/encoded_pointer.h"
#include "unwind/machine.h"
#include "unwind/unwind_image.h"

static int check_header(const Elf64_Ehdr *file)
{
	return file->e_machine == machine.elf_number &&
			       (file->e_type == ET_EXEC || file->e_type == ET_DYN) ?
		       0 :
		       -ENOEXEC;
}

static int compare_segments(const void *a, const void *b)
{
	const struct unwind_segment *left = a, *right = b;

	return (left->offset > right->offset) - (left->offset < right->offset);
}

static bool share_addresses(const struct unwind_segment *a, const struct unwind_segment *b)
{
	return a->address < b->address ? b->address - a->address < a->nr_bytes :
					 a->address - b->address < b->nr_bytes;
}

/*
 * A loader maps PT_LOADs in ascending order of their addresses, which gABI demands, and linkers let
 * none overlap. A segment that is out of order, or overlaps another in memory or in the file, is
 * left out, so that each address has one place in the file and each place one address.
 */
static void separate_segments(struct unwind_image *image)
{
	const struct unwind_segment *last = NULL;
	struct unwind_segment *segments = image->segments;
	size_t nr = 0;

	for (size_t i = 0; i < image->nr_segments; i++) {
		if (last &&
		    (segments[i].address < last->address || share_addresses(&segments[i], last)))
			continue;
		segments[nr] = segments[i];
		last = &segments[nr++];
	}
	qsort(segments, nr, sizeof(*segments), compare_segments);
	image->nr_segments = 0;
	for (size_t i = 0; i < nr; i++) {
		last = image->nr_segments ? &segments[image->nr_segments - 1] : NULL;
		if (!last || segments[i].offset - last->offset >= last->nr_bytes)
			segments[image->nr_segments++] = segments[i];
	}
}

static int find_segments(struct unwind_image *image, const Elf64_Phdr *headers, size_t nr)
{
	image->segments = calloc(nr ? nr : 1, sizeof(*image->segments));
	if (!image->segments)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++) {
		const Elf64_Phdr *header = &headers[i];
		uint64_t end;

		if (header->p_type != PT_LOAD || !(header->p_flags & PF_X) || !header->p_filesz ||
		    __builtin_add_overflow(header->p_vaddr, header->p_filesz, &end) ||
		    __builtin_add_overflow(header->p_offset, header->p_filesz, &end))
			continue;
		image->segments[image->nr_segments++] = (struct unwind_segment){
			.address = header->p_vaddr,
			.offset = header->p_offset,
			.nr_bytes = header->p_filesz,
		};
	}
	separate_segments(image);
	return 0;
}

/* Finds the file's bytes from that address on: their offset and number. */
static bool find_address(const Elf64_Phdr *headers, size_t nr, uint64_t address, uint64_t *offset,
			 uint64_t *nr_bytes)
{
	for (size_t i = 0; i < nr; i++) {
		uint64_t into = address - headers[i].p_vaddr;

		if (headers[i].p_type != PT_LOAD || address < headers[i].p_vaddr ||
		    into >= headers[i].p_filesz)
			continue;
		*nr_bytes = headers[i].p_filesz - into;
		return !__builtin_add_overflow(headers[i].p_offset, into, offset);
	}
	return false;
}

/*
 * .eh_frame_hdr is a version, three encodings and the address of .eh_frame. Only the terminator of
 * .eh_frame tells its length.
 */
static int follow_eh_frame_header(const struct elf_source *source, struct unwind_image *image,
				  const Elf64_Phdr *headers, size_t nr, const Elf64_Phdr *own)
{
	struct {
		uint8_t version, address_encoding, count_encoding, table_encoding;
		uint8_t address[16];
	} header = { 0 };
	size_t nr_bytes = own->p_filesz < sizeof(header) ? own->p_filesz : sizeof(header);
	const struct pointer_bases bases = {
		.begin = (const uint8_t *)&header,
		.address = own->p_vaddr,
		.data = own->p_vaddr,
	};
	struct byte_cursor cursor = { .at = header.address, .end = bases.begin + nr_bytes };
	int err;

	if (nr_bytes < 4)
		return -EBADMSG;
	err = elf_source__read(source, own->p_offset, &header, nr_bytes);
	if (err)
		return err;
	image->eh_frame_address = encoded_pointer__read(&cursor, header.address_encoding, &bases);
	if (header.version != 1 || cursor.failed)
		return -EBADMSG;
	if (!find_address(headers, nr, image->eh_frame_address, &image->eh_frame_offset,
			  &image->eh_frame_bytes))
		return -EBADMSG;
	image->eh_frame_bytes =
		elf_source__within(source, image->eh_frame_offset, image->eh_frame_bytes);
	image->eh_frame_unbounded = true;
	return 0;
}

static int find_eh_frame(const struct elf_source *source, struct unwind_image *image,
			 const Elf64_Phdr *headers, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (headers[i].p_type == PT_GNU_EH_FRAME)
			return follow_eh_frame_header(source, image, headers, nr, &headers[i]);
	return 0;
}

static bool has_interpreter(const Elf64_Phdr *headers, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (headers[i].p_type == PT_INTERP)
			return true;
	return false;
}

static bool begins_process(const struct elf_source *source, const struct unwind_image *image)
{
	unsigned char code[MACHINE_ENTRY_CODE_BYTES] = { 0 };

	for (size_t i = 0; i < image->nr_segments; i++) {
		const struct unwind_segment *segment = &image->segments[i];
		uint64_t into = image->entry - segment->address;

		if (image->entry < segment->address || into >= segment->nr_bytes)
			continue;
		if (elf_source__read(source, segment->offset + into, code, sizeof(code)))
			return false;
	}
	return machine__begins_process(code);
}

/*
 * A library's entry means nothing: older linkers put the beginning of .text there. ld.so is a
 * library too, but processes begin in it.
 */
static void find_entry(const struct elf_headers *headers, struct unwind_image *image)
{
	image->entry = headers->file.e_entry;
	if (headers->file.e_type != ET_EXEC &&
	    !has_interpreter(headers->segments, headers->nr_segments) &&
	    !begins_process(&headers->source, image))
		image->entry = 0;
}

static void add_stubs(struct unwind_image *image, const Elf64_Shdr *section, bool lazy)
{
	uint64_t end;

	if (image->nr_stubs == UNWIND_STUBS_MAX || !section->sh_size ||
	    __builtin_add_overflow(section->sh_addr, section->sh_size, &end))
		return;
	image->stubs[image->nr_stubs++] = (struct unwind_stubs){
		.begin = section->sh_addr,
		.end = end,
		.offset = section->sh_offset,
		.lazy = lazy,
	};
}

/* Returns -ENOTSUP when .eh_frame is compressed. A damaged one counts as missing. */
static int take_eh_frame(const struct elf_source *source, struct unwind_image *image,
			 const Elf64_Shdr *section)
{
	if (section->sh_flags & SHF_COMPRESSED)
		return -ENOTSUP;
	if (image->eh_frame_bytes ||
	    elf_source__within(source, section->sh_offset, section->sh_size) != section->sh_size)
		return 0;
	image->eh_frame_address = section->sh_addr;
	image->eh_frame_offset = section->sh_offset;
	image->eh_frame_bytes = section->sh_size;
	return 0;
}

static int take_section(const struct elf_source *source, struct unwind_image *image,
			const Elf64_Shdr *section, const char *name)
{
	bool lazy;

	if (!strcmp(name, ".eh_frame"))
		return take_eh_frame(source, image, section);
	if (!strcmp(name, ".got.plt") || (!strcmp(name, ".got") && !image->got_address))
		image->got_address = section->sh_addr;
	if (section->sh_flags & SHF_EXECINSTR && machine__holds_stubs(name, &lazy))
		add_stubs(image, section, lazy);
	return 0;
}

static int take_sections(const struct elf_headers *headers, struct unwind_image *image)
{
	int err = 0;

	for (size_t i = 1; i < headers->nr_sections && !err; i++) {
		const Elf64_Shdr *section = &headers->sections[i];

		if (section->sh_flags & SHF_ALLOC && (section->sh_type == SHT_PROGBITS ||
						      section->sh_type == machine.unwind_section))
			err = take_section(&headers->source, image, section,
					   elf_headers__name(headers, section));
	}
	return err;
}

static int compare_stubs(const void *a, const void *b)
{
	const struct unwind_stubs *left = a, *right = b;

	return (left->begin > right->begin) - (left->begin < right->begin);
}

static int fill_image(const struct elf_headers *headers, struct unwind_image *image)
{
	int err = check_header(&headers->file);

	if (!err)
		err = find_segments(image, headers->segments, headers->nr_segments);
	if (err)
		return err;
	find_entry(headers, image);
	err = take_sections(headers, image);
	if (!err && !image->eh_frame_bytes)
		err = find_eh_frame(&headers->source, image, headers->segments,
				    headers->nr_segments);
	qsort(image->stubs, image->nr_stubs, sizeof(*image->stubs), compare_stubs);
	return err;
}

int unwind_image__open(const struct elf_source *source, struct unwind_image *image)
{
	struct elf_headers headers;
	int err;

	memset(image, 0, sizeof(*image));
	err = elf_headers__read(source, &headers);
	if (err)
		return err;
	err = fill_image(&headers, image);
	elf_headers__free(&headers);
	if (err)
		unwind_image__close(image);
	return err;
}

void unwind_image__close(struct unwind_image *image)
{
	free(image->segments);
	memset(image, 0, sizeof(*image));
}
