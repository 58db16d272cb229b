/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The .symtab of a stripped file, where that is kept apart: in .gnu_debugdata, or in a debug file
 * of the same build ID.
 */
#ifndef SEPARATE_SYMBOLS_H
#define SEPARATE_SYMBOLS_H

#include "elf/elf_file.h"

/*
 * Opens the file that has the table, for elf_symbol_table__of_headers; elf_file__close ends that.
 * Debug files are looked for below our own root alone. Returns 0 with the table's *place in words,
 * -ENOENT when there is no such table, or -errno.
 */
int separate_symbols__open(struct elf_file *file, const struct elf_headers *object,
			   const char **place);

#endif
