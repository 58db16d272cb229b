/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Blocks that a forked copy of a process got from its parent. Records say which these were, and the
 * allocator's own books which of them the copy has not freed since. Pure.
 */
#ifndef INHERITED_BLOCKS_H
#define INHERITED_BLOCKS_H

#include "leaks/block_index.h"
#include "leaks/glibc_arenas.h"

/*
 * Keeps those that may be held: chunks in use in the heaps, and whatever lies outside of the heaps.
 * arenas: walked with the copy's own blocks. Returns how many are left.
 */
size_t inherited_blocks__keep_used(struct leak_block *inherited, size_t nr,
				   const struct glibc_arenas *arenas);

/*
 * Keeps those in the allocator's memory: mappings of the others are gone. arenas: walked with these
 * blocks among the known ones. Returns how many are left.
 */
size_t inherited_blocks__keep_mapped(struct leak_block *inherited, size_t nr,
				     const struct glibc_arenas *arenas);

#endif
