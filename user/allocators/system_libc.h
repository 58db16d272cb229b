/* SPDX-License-Identifier: GPL-2.0 */
/* Where the C library that this program runs on is probed, for --features. */
#ifndef SYSTEM_LIBC_H
#define SYSTEM_LIBC_H

#include "allocators/allocators.h"

/*
 * Its probes, and its path as the dynamic loader has it, which lives as long as the program.
 * Returns 0, -ENOENT when there is none (a static program), or what allocators__find returns.
 */
int system_libc__probes(const char **path, struct allocator_probes *probes);

#endif
