/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Chunks that look like chunks in use, but are free: glibc keeps small ones for the next call, in
 * fast bins of each arena and in a cache of each thread (tcache).
 */
#ifndef CHUNK_CACHES_H
#define CHUNK_CACHES_H

#include "leaks/arena_list.h"
#include "leaks/chunk_walk.h"

/*
 * Marks their members as spare, and counts them as free; marks the caches themselves as spare. To
 * be called when all segments were walked. Returns 0 or -ENOMEM.
 */
int chunk_caches__mark(struct chunk_walk *walk, const struct arena_list *arenas);

#endif
