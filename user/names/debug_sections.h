/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The DWARF sections of a file, in memory and checked to be of a bearable size, together with the
 * file that dwz moved parts of them to.
 */
#ifndef DEBUG_SECTIONS_H
#define DEBUG_SECTIONS_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

#include "elf/elf_copy.h"
#include "elf/elf_file.h"

struct debug_sections {
	struct elf_file file, alternate;
	struct elf_copy copy, alternate_copy;
	Dwarf *dwarf, *alternate_dwarf;
	uint64_t bytes; /* of both files, as copied and as unpacked */
};

/* Whether the object has DWARF of its own (a stripped one doesn't). */
bool debug_sections__present(const struct elf_headers *headers);

/*
 * Takes over the open file, also on failure. Returns 0, -ENOENT without DWARF, -EFBIG when the
 * DWARF is too large for this machine or claims to unpack to an impossible size, -EINVAL or
 * -EBADMSG when it can't be read, or -ENOMEM.
 */
int debug_sections__open(struct debug_sections *sections, struct elf_file *file);
void debug_sections__close(struct debug_sections *sections);

/*
 * Whether the line program of the unit may be run: libdw stores every row of it, and a byte can
 * make a row.
 */
bool debug_sections__line_program_fits(const struct debug_sections *sections, Dwarf_Die *unit);

#endif
