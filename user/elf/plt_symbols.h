/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Names of the stubs through which a file calls other files' functions. No symbol table has them;
 * disassemblers call them malloc@plt.
 */
#ifndef PLT_SYMBOLS_H
#define PLT_SYMBOLS_H

#include <stdint.h>

#include "elf/elf_headers.h"

struct plt_symbols;

/*
 * The stubs don't need the file once read. Returns 0, -ENOENT when there are no stubs or the
 * machine is not x86-64, -EFBIG when there are too many, -EBADMSG when the tables that lead to them
 * are damaged, -ENOMEM, or -errno.
 */
int plt_symbols__read(struct plt_symbols **symbols, const struct elf_headers *headers);
void plt_symbols__free(struct plt_symbols *symbols);

/* The linkage name with "@plt" after it, or NULL. Null-safe. Good until the next call. */
const char *plt_symbols__find(struct plt_symbols *symbols, uint64_t vaddr);

#endif
