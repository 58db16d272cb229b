/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finds what DWARF knows of an address: the functions that were inlined there, and for each the
 * source file and line that was executing.
 */
#ifndef LINES_H
#define LINES_H

#include <stdbool.h>
#include <stdint.h>

#include "elf/elf_file.h"

struct lines;

/* Strings live until the lines are freed. */
struct line_frame {
	const char *function; /* linkage name if there is one; NULL: unknown */
	const char *file; /* NULL: unknown */
	unsigned int line; /* 0: unknown */
	const char *symbol; /* not set here: the linkage name once the function is demangled */
};

/*
 * Reads the DWARF of the file, and takes over the open file, also on failure. Code below
 * lowest_text was thrown away by the linker. Returns 0, -ENOENT when the file has no DWARF, -EFBIG,
 * -ENOMEM, or -EINVAL when it can't be read.
 */
int lines__open(struct lines **lines, struct elf_file *file, uint64_t lowest_text);
void lines__free(struct lines *lines);

/* Whether the lines took too long, or more memory than they may: they answer nothing any more. */
bool lines__are_given_up(const struct lines *lines);

/*
 * Fills up to max_frames for an address (as in the file), the innermost inlined function first, the
 * function itself last; when there are more, those in the middle are left out. Returns their number
 * or 0 when DWARF doesn't know the address.
 */
unsigned int lines__find(struct lines *lines, uint64_t vaddr, struct line_frame *frames,
			 unsigned int max_frames);

#endif
