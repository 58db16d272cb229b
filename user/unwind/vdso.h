/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The vDSO is kernel code that every process maps, but no file holds. A copy in a file lets it be
 * unwound and named like all other code. All 64-bit processes of a kernel have the same vDSO, so
 * the tracer's own serves.
 */
#ifndef VDSO_H
#define VDSO_H

#include "base/mapping.h"

/*
 * Copies the vDSO into a file in memory. *file names that file as a mapping would; its path is not
 * owned. Returns the descriptor; -ENOENT when the kernel gives the tracer no vDSO; -errno.
 */
int vdso__copy(struct mapping *file);

#endif
