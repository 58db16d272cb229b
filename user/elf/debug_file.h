/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The separate debug file of a stripped ELF object, found as debuggers find it: by build ID, then
 * by the name in .gnu_debuglink. A file that can't be proved to be of the same build is not used.
 */
#ifndef DEBUG_FILE_H
#define DEBUG_FILE_H

#include <stddef.h>

#include "elf/elf_file.h"

/*
 * Opens the debug file of an object. It is searched for below the root that the object's path
 * belongs to, then below ours. The object needs no descriptor. Returns 0, -ENOENT or -errno.
 */
int debug_file__open(struct elf_file *file, const struct elf_file *object);

/*
 * Opens the alternate file, into which dwz moved a part of a debug file. It must have that build
 * ID. It is found by the build ID, or by the name, which is absolute or relative to the debug
 * file's folder. Returns 0, -ENOENT or -errno.
 */
int debug_file__open_alternate(struct elf_file *file, const struct elf_file *debug,
			       const char *name, const void *build_id, size_t build_id_bytes);

#endif
