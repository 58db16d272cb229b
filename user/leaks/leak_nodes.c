// SPDX-License-Identifier: GPL-2.0
/* See leak_nodes.h. Mostly all blocks are nodes, and then nothing is copied. */
#include "leaks/leak_nodes.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

static bool is_node(const struct leak_block *block, uint64_t paused_ns,
		    const struct pointer_log *log)
{
	return block->time_ns <= paused_ns && pointer_log__notes(log, block->address);
}

int leak_nodes__choose(struct leak_nodes *nodes, const struct leak_block *blocks, size_t nr_blocks,
		       uint64_t paused_ns, const struct pointer_log *log)
{
	*nodes = (struct leak_nodes){ .list = blocks };
	if (nr_blocks >= BLOCK_NONE)
		return -E2BIG;
	for (size_t i = 0; i < nr_blocks; i++)
		nodes->nr += is_node(&blocks[i], paused_ns, log);
	if (nodes->nr == nr_blocks)
		return 0;
	nodes->chosen = malloc((nodes->nr + 1) * sizeof(*nodes->chosen));
	nodes->reported = malloc((nodes->nr + 1) * sizeof(*nodes->reported));
	if (!nodes->chosen || !nodes->reported) {
		leak_nodes__free(nodes);
		return -ENOMEM;
	}
	nodes->list = nodes->chosen;
	for (size_t i = 0, node = 0; i < nr_blocks; i++) {
		if (!is_node(&blocks[i], paused_ns, log))
			continue;
		nodes->chosen[node] = blocks[i];
		nodes->reported[node++] = (uint32_t)i;
	}
	return 0;
}

void leak_nodes__free(struct leak_nodes *nodes)
{
	free(nodes->chosen);
	free(nodes->reported);
	*nodes = (struct leak_nodes){ 0 };
}
