/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The functions of one ELF symbol table, sorted for look-up by address. They don't need the file
 * once read.
 */
#ifndef ELF_SYMBOLS_H
#define ELF_SYMBOLS_H

#include <stdint.h>

#include "elf/elf_headers.h"

struct elf_symbols;

/*
 * Reads the first symbol table of that kind, SHT_SYMTAB or SHT_DYNSYM. Returns 0, -ENOENT when
 * there is none or it names no function, -EFBIG when it is too large, -EBADMSG when it is damaged,
 * -ENOMEM, -errno.
 */
int elf_symbols__read(struct elf_symbols **symbols, const struct elf_headers *headers,
		      uint32_t section_type);
void elf_symbols__free(struct elf_symbols *symbols);

/*
 * The linkage name of the function that covers the address (as in the file: not relocated), with
 * its symbol version when the table has it in the name; NULL when none does. A file's symbols may
 * be in two tables; either may be NULL. The first is preferred, but a function of known size in the
 * second beats a label in the first. The name lives as long as the tables.
 */
const char *elf_symbols__find(const struct elf_symbols *first, const struct elf_symbols *second,
			      uint64_t vaddr);

#endif
