/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The separate debug file of a stripped ELF object, found as debuggers find it: by build ID, then
 * by the name in .gnu_debuglink. A file that isn't provably of that very build is not taken.
 */
#ifndef DEBUG_FILE_H
#define DEBUG_FILE_H

#include <stddef.h>

#include "elf/elf_file.h"

/*
 * Opens the debug file of an object, which is looked for below the root that the object's path
 * belongs to, and then below ours. The object needs no descriptor. Returns 0, -ENOENT or -errno.
 */
int debug_file__open(struct elf_file *file, const struct elf_file *object);

/*
 * Opens what dwz moved out of a debug file: the one with that build ID, by build ID or by the name,
 * which is relative to the debug file's folder. Returns 0, -ENOENT or -errno.
 */
int debug_file__open_alternate(struct elf_file *file, const struct elf_file *debug,
			       const char *name, const void *build_id, size_t build_id_bytes);

#endif
