// SPDX-License-Identifier: GPL-2.0
/*
 * See function_scan.h. All entries are looked at, in the order of the file: static programs that
 * are loaded at a fixed address have no .eh_frame_hdr, the sorted table of them. The format is that
 * of the Linux Standard Base, Core, "Exception Frames".
 */
#include "elf/function_scan.h"

#include <dwarf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/byte_cursor.h"

#define ADDRESS_ENCODING (DW_EH_PE_pcrel | DW_EH_PE_sdata4)
#define ENTRIES_BYTES_MAX (64ULL << 20)
#define CHUNK_BYTES (64 << 10)
#define CIE_BYTES 64 /* of those that compilers write, all that is read here */

struct table_header {
	uint8_t version, pointer_encoding, count_encoding, table_encoding;
	int32_t eh_frame; /* relative to its own address */
};

/* All entries begin with length and cie. A CIE has 0 there. */
struct fde {
	uint32_t length, cie;
	int32_t function; /* relative to its own address */
	uint32_t nr_bytes;
};

struct entries {
	const struct elf_image *image;
	uint64_t address, offset, nr_bytes; /* nr_bytes is an upper bound */
	uint8_t *chunk; /* CHUNK_BYTES */
	uint64_t chunk_at;
	size_t chunk_bytes;
};

static int locate_by_header(const struct elf_image *image, struct entries *entries)
{
	const Elf64_Phdr *segment = elf_image__segment(image, PT_GNU_EH_FRAME, 0);
	struct table_header header;
	int err;

	if (!segment)
		return -ENOENT;
	err = elf_image__read(image, segment->p_offset, &header, sizeof(header));
	if (err)
		return err;
	if (header.version != 1 || header.pointer_encoding != ADDRESS_ENCODING)
		return -EBADMSG;
	entries->address = segment->p_vaddr + offsetof(struct table_header, eh_frame) +
			   (uint64_t)(int64_t)header.eh_frame;
	entries->nr_bytes = ENTRIES_BYTES_MAX;
	return elf_image__offset_of(image, entries->address, false, &entries->offset);
}

static int locate_by_section(const struct elf_image *image, struct entries *entries)
{
	const Elf64_Shdr *section = elf_headers__section(elf_image__headers(image), ".eh_frame");

	if (!section)
		return -ENOENT;
	entries->address = section->sh_addr;
	entries->offset = section->sh_offset;
	entries->nr_bytes = section->sh_size;
	return 0;
}

/* NULL, with *err set or 0 at the end. */
static const uint8_t *bytes_at(struct entries *entries, uint64_t at, size_t nr_bytes, int *err)
{
	uint64_t left = entries->nr_bytes - at;

	*err = 0;
	if (at < entries->chunk_at || at + nr_bytes > entries->chunk_at + entries->chunk_bytes) {
		entries->chunk_at = at;
		entries->chunk_bytes = left < CHUNK_BYTES ? left : CHUNK_BYTES;
		/* The last chunk of a file whose section has no known end. */
		while (entries->chunk_bytes >= nr_bytes) {
			*err = elf_image__read(entries->image, entries->offset + at, entries->chunk,
					       entries->chunk_bytes);
			if (*err != -EBADMSG)
				break;
			entries->chunk_bytes /= 2;
		}
	}
	if (*err || entries->chunk_bytes < nr_bytes)
		return NULL;
	return entries->chunk + (at - entries->chunk_at);
}

/* The bytes of a pointer that is written with that encoding; 0: unknown. */
static uint64_t pointer_bytes(uint8_t encoding)
{
	switch (encoding & 0x0f) {
	case DW_EH_PE_udata4:
	case DW_EH_PE_sdata4:
		return 4;
	case DW_EH_PE_absptr:
	case DW_EH_PE_udata8:
	case DW_EH_PE_sdata8:
		return 8;
	default:
		return 0;
	}
}

/* The encoding of the addresses in the CIE's FDEs. */
static uint8_t encoding_of(const char *augmentation, struct byte_cursor *cursor)
{
	uint8_t encoding;

	for (; *augmentation; augmentation++) {
		switch (*augmentation) {
		case 'R':
			return byte_cursor__byte(cursor);
		case 'L':
			byte_cursor__byte(cursor);
			break;
		case 'P':
			encoding = byte_cursor__byte(cursor);
			if (!pointer_bytes(encoding))
				return DW_EH_PE_omit;
			byte_cursor__take(cursor, pointer_bytes(encoding));
			break;
		case 'S':
			break;
		default:
			return DW_EH_PE_omit;
		}
	}
	return DW_EH_PE_absptr;
}

/* Whether the CIE at that place says that addresses are encoded as struct fde has them. */
static int check_cie(const struct entries *entries, uint64_t at)
{
	uint8_t bytes[CIE_BYTES], version;
	struct byte_cursor cursor = byte_cursor__over(bytes, sizeof(bytes));
	const char *augmentation;
	int err = elf_image__read(entries->image, entries->offset + at, bytes, sizeof(bytes));

	if (err)
		return err;
	byte_cursor__unsigned(&cursor, 4);
	if (byte_cursor__unsigned(&cursor, 4))
		return -EBADMSG;
	version = byte_cursor__byte(&cursor);
	augmentation = byte_cursor__string(&cursor);
	if ((version != 1 && version != 3) || !augmentation || *augmentation != 'z')
		return -EBADMSG;
	byte_cursor__uleb128(&cursor); /* code alignment */
	byte_cursor__sleb128(&cursor); /* data alignment */
	byte_cursor__uleb128(&cursor); /* the return address's register: below 128, one byte */
	byte_cursor__uleb128(&cursor); /* of the augmentation data */
	if (encoding_of(augmentation + 1, &cursor) != ADDRESS_ENCODING || cursor.failed)
		return -EBADMSG;
	return 0;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct function_range *left = a, *right = b;

	return (left->address > right->address) - (left->address < right->address);
}

/* A wrapped end is below the beginning. */
static bool are_in_order(const struct function_range *ranges, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		uint64_t end = ranges[i].address + ranges[i].nr_bytes;

		if (end < ranges[i].address || (i + 1 < nr && end > ranges[i + 1].address))
			return false;
	}
	return true;
}

/* CIEs are read only for functions in the range: few, and mostly of one CIE. */
static int add_entries(struct entries *entries, uint64_t begin, uint64_t end,
		       struct function_range *ranges, size_t nr_max, size_t *nr)
{
	uint64_t next, checked = UINT64_MAX;
	int err = 0;

	for (uint64_t at = 0; at + sizeof(struct fde) <= entries->nr_bytes; at = next) {
		const uint8_t *bytes = bytes_at(entries, at, sizeof(struct fde), &err);
		uint64_t function, cie;
		struct fde fde;

		if (!bytes)
			return err;
		memcpy(&fde, bytes, sizeof(fde));
		if (!fde.length)
			return 0;
		next = at + sizeof(fde.length) + fde.length;
		function = entries->address + at + offsetof(struct fde, function) +
			   (uint64_t)(int64_t)fde.function;
		if (!fde.cie || function < begin || function >= end)
			continue;
		cie = at + offsetof(struct fde, cie) - fde.cie;
		if (cie != checked)
			err = cie < at ? check_cie(entries, cie) : -EBADMSG;
		if (err || *nr == nr_max)
			return err ? err : -E2BIG;
		checked = cie;
		ranges[(*nr)++] = (struct function_range){
			.address = function,
			.nr_bytes = fde.nr_bytes,
		};
	}
	return entries->nr_bytes == ENTRIES_BYTES_MAX ? -E2BIG : 0;
}

int function_scan__between(const struct elf_image *image, uint64_t begin, uint64_t end,
			   struct function_range *ranges, size_t nr_max, size_t *nr)
{
	struct entries entries = { .image = image };
	int err = locate_by_header(image, &entries);

	*nr = 0;
	if (err == -ENOENT)
		err = locate_by_section(image, &entries);
	if (err)
		return err;
	if (entries.nr_bytes > ENTRIES_BYTES_MAX)
		return -E2BIG;
	entries.chunk = malloc(CHUNK_BYTES);
	if (!entries.chunk)
		return -ENOMEM;
	err = add_entries(&entries, begin, end, ranges, nr_max, nr);
	free(entries.chunk);
	if (err)
		return err;
	qsort(ranges, *nr, sizeof(*ranges), compare_ranges);
	return are_in_order(ranges, *nr) ? 0 : -EBADMSG;
}
