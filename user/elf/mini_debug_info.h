/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The symbol table that some distributions leave in stripped files: .gnu_debugdata, an ELF file
 * compressed by xz (gdb's manual, "Debugging information in a special section").
 */
#ifndef MINI_DEBUG_INFO_H
#define MINI_DEBUG_INFO_H

#include "elf/elf_file.h"
#include "elf/elf_symbols.h"

/*
 * Unpacks the ELF file, which has the functions that .dynsym lacks, to memory; elf_file__close
 * frees it. Returns 0, -ENOENT when the object has no such section, -EFBIG when it is too large
 * once unpacked, -EINVAL or -EBADMSG when it is damaged, or -errno.
 */
int mini_debug_info__open(struct elf_file *file, const struct elf_headers *object);

/*
 * Reads these functions. Returns 0, -ENOENT also when the section names no function, or an
 * error as above.
 */
int mini_debug_info__read(struct elf_symbols **symbols, const struct elf_headers *object);

#endif
