/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the functions of an ELF file begin and end, without symbols: .eh_frame_hdr lists the parts
 * that have call frame information (Linux Standard Base, Core, ".eh_frame_hdr"). A compiler may
 * split a function into parts ("f" and "f.cold"), each with a range of its own. Nothing is kept in
 * memory: a search reads some tens of bytes. ELF bytes are hostile input.
 */
#ifndef FUNCTION_RANGES_H
#define FUNCTION_RANGES_H

#include <stdint.h>

#include "elf/elf_image.h"

struct function_ranges {
	const struct elf_image *image;
	uint64_t address; /* of .eh_frame_hdr: its table is relative to it */
	uint64_t table_offset; /* in the file */
	uint64_t nr;
};

struct function_range {
	uint64_t address; /* of its first byte */
	uint64_t nr_bytes; /* never 0; the end does not wrap */
	uint64_t exception_table; /* address of its language-specific data; 0: none */
};

/*
 * The image must outlive the ranges, which need not be freed. Returns 0; -ENOTSUP when the file has
 * no such table, as static programs, or one in a form that no linker writes; -EBADMSG when it is
 * damaged; -errno.
 */
int function_ranges__open(const struct elf_image *image, struct function_ranges *ranges);

/*
 * The range that has that address. Returns 0; -ENOENT when none has it; -ENOTSUP when its call
 * frame information is in a form that is not known; -EBADMSG when that is damaged; -errno.
 */
int function_ranges__find(const struct function_ranges *ranges, uint64_t address,
			  struct function_range *range);

#endif
