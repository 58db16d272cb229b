/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The blocks among which pointers are followed: those to be classified that lived at the pause.
 *
 * A block that was known before the pause and is gone now is no node. If it was freed only after
 * the pause, the program had a pointer to it, so what it held was reachable. If it was freed
 * before, its memory may have been a part of another block at the pause, one that nobody knows of.
 * Either way what is in there counts as roots.
 */
#ifndef LEAK_NODES_H
#define LEAK_NODES_H

#include <stddef.h>
#include <stdint.h>

#include "leaks/block_index.h"
#include "leaks/pointer_log.h"

struct leak_nodes {
	const struct leak_block *list; /* sorted; never overlapping */
	size_t nr;
	uint32_t *reported; /* of each node, its number among all blocks. NULL: the same */
	struct leak_block *chosen; /* the list, when it is not all blocks */
};

/*
 * Chooses the nodes among sorted blocks. Left out are those that are younger than the pause, and
 * those to which no pointer was noted. Returns 0, -ENOMEM or -E2BIG; the blocks outlive the nodes.
 */
int leak_nodes__choose(struct leak_nodes *nodes, const struct leak_block *blocks, size_t nr_blocks,
		       uint64_t paused_ns, const struct pointer_log *log);
void leak_nodes__free(struct leak_nodes *nodes);

/* The number of the node among all blocks. */
static inline uint32_t leak_nodes__reported(const struct leak_nodes *nodes, size_t node)
{
	return nodes->reported ? nodes->reported[node] : (uint32_t)node;
}

#endif
