/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Slots of the global offset table through which code jumps to functions by name. The dynamic
 * linker fills them. ELF bytes are hostile input.
 */
#ifndef JUMP_SLOTS_H
#define JUMP_SLOTS_H

#include <stdint.h>

#include "elf/elf_image.h"

/*
 * Finds the function of this same file that the slot at that address is for. The dynamic linker
 * prefers another file's function of that name, if one comes first in its search order. Returns 0;
 * -ENOENT when no relocation fills the slot, or the file doesn't define the function, or chooses it
 * at run time (IFUNC); -E2BIG when there are too many relocations; -EBADMSG when they are damaged;
 * -errno.
 */
int jump_slots__find(const struct elf_image *image, uint64_t slot, uint64_t *function);

#endif
