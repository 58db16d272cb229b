/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's code in every process, which no file has: as one, so that it is unwound and named
 * like all other code. All 64-bit processes of a kernel have the same, so ours serves.
 */
#ifndef VDSO_H
#define VDSO_H

#include "base/mapping.h"

/*
 * Copies it into a file in memory. *file names that as a mapping would; its path is not owned.
 * Returns the descriptor; -ENOENT when the kernel gives us none; -errno.
 */
int vdso__copy(struct mapping *file);

#endif
