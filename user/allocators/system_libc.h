/* SPDX-License-Identifier: GPL-2.0 */
/* The places where this program's own C library would be probed, for --features. */
#ifndef SYSTEM_LIBC_H
#define SYSTEM_LIBC_H

#include "allocators/allocators.h"

/*
 * Finds the C library's probes, and its path as the dynamic loader has it; the path lives as long
 * as the program. Returns 0, -ENOENT when there is no such library (a static program), or the
 * result of allocators__find.
 */
int system_libc__probes(const char **path, struct allocator_probes *probes);

#endif
