// SPDX-License-Identifier: GPL-2.0
/*
 * Walks over pointers between blocks, which leak_scan.c found, and says of each block whether the
 * process can still reach it. The rules are those of Valgrind's memcheck/mc_leakcheck.c. A block is
 * entered once in one list, when a pointer to it is first followed, so each walk is a loop over
 * that list.
 */
#include "leaks/reach.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Pointers in groups. Group i has the edges from starts[i] to before starts[i + 1]. */
struct groups {
	size_t *starts; /* nr + 1 of them */
	size_t nr;
};

/*
 * Which group an edge belongs to. Keys are the numbers of blocks; all roots share the one that
 * follows. A group is of 2^shift keys, and the first one begins at first_key.
 */
struct grouping {
	uint32_t nr_blocks;
	unsigned int shift;
	size_t first_key;
};

struct walk {
	const struct reach_edge *edges; /* in groups by the block that holds them; last the roots' */
	const size_t *starts;
	uint32_t nr_blocks;
	uint8_t *kinds;
	uint32_t *leaders;
	uint32_t *reached; /* blocks, in the order in which a pointer to them was followed */
	size_t nr_reached;
};

static size_t group_of(const struct grouping *grouping, const struct reach_edge *edge)
{
	size_t key = edge->from < grouping->nr_blocks ? edge->from : grouping->nr_blocks;

	return (key - grouping->first_key) >> grouping->shift;
}

/*
 * Groups edges [begin, end), in place: an edge goes to the next place of its group, the one that
 * was there goes on to its own, until one belongs where the first was. heads has room for as many
 * as there are groups.
 */
static void group_edges(const struct grouping *grouping, struct reach_edge *edges, size_t begin,
			size_t end, const struct groups *groups, size_t *heads)
{
	size_t *starts = groups->starts;

	memset(starts, 0, (groups->nr + 1) * sizeof(*starts));
	for (size_t i = begin; i < end; i++)
		starts[group_of(grouping, &edges[i]) + 1]++;
	starts[0] = begin;
	for (size_t i = 0; i < groups->nr; i++) {
		heads[i] = starts[i];
		starts[i + 1] += starts[i];
	}
	for (size_t i = 0; i < groups->nr; i++)
		while (heads[i] < starts[i + 1]) {
			struct reach_edge edge = edges[heads[i]], other;
			size_t group;

			while ((group = group_of(grouping, &edge)) != i) {
				other = edges[heads[group]];
				edges[heads[group]++] = edge;
				edge = other;
			}
			edges[heads[i]++] = edge;
		}
}

/*
 * Groups all edges by the block that holds them, in two steps, each with about the square root of
 * the number of blocks as the number of groups: so all that a step moves around at a time fits in
 * the processor's caches. starts has room for nr_blocks + 2. Returns 0 or -ENOMEM.
 */
static int group_by_block(struct reach_edge *edges, size_t nr_edges, uint32_t nr_blocks,
			  size_t *starts)
{
	struct grouping coarse = { .nr_blocks = nr_blocks };
	size_t nr_keys = (size_t)nr_blocks + 1, *heads;
	struct groups wide;

	while (nr_keys >> coarse.shift > (size_t)1 << coarse.shift)
		coarse.shift++;
	wide.nr = ((nr_keys - 1) >> coarse.shift) + 1;
	wide.starts = malloc((wide.nr + 1) * sizeof(*wide.starts));
	/* The wide groups may be one more than a wide group has keys. */
	heads = malloc((((size_t)1 << coarse.shift) + 1) * sizeof(*heads));
	if (!wide.starts || !heads) {
		free(wide.starts);
		free(heads);
		return -ENOMEM;
	}
	group_edges(&coarse, edges, 0, nr_edges, &wide, heads);
	for (size_t i = 0; i < wide.nr; i++) {
		struct grouping fine = { nr_blocks, 0, i << coarse.shift };
		struct groups narrow = { starts + fine.first_key, (size_t)1 << coarse.shift };

		if (narrow.nr > nr_keys - fine.first_key)
			narrow.nr = nr_keys - fine.first_key;
		group_edges(&fine, edges, wide.starts[i], wide.starts[i + 1], &narrow, heads);
	}
	free(wide.starts);
	free(heads);
	return 0;
}

/* Follows the pointers that a block holds, or the roots, whose key is nr_blocks. */
static void follow(struct walk *walk, uint32_t from, enum leak_kind kind)
{
	for (size_t i = walk->starts[from]; i < walk->starts[(size_t)from + 1]; i++) {
		const struct reach_edge *edge = &walk->edges[i];

		if (!edge->exact && kind == LEAK_REACHABLE)
			continue;
		if (edge->to >= walk->nr_blocks || walk->kinds[edge->to] != LEAK_UNCLASSIFIED)
			continue;
		walk->kinds[edge->to] = (uint8_t)kind;
		walk->reached[walk->nr_reached++] = edge->to;
	}
}

/*
 * Gives the kind to all that pointers from the roots and from blocks reached before lead to.
 * Valgrind goes this way only once, and upgrades a block that it had taken for a possible one. When
 * all reachable blocks are known first, there is nothing to upgrade, and the result is the same.
 */
static void spread_from_roots(struct walk *walk, enum leak_kind kind)
{
	follow(walk, walk->nr_blocks, kind);
	for (size_t at = 0; at < walk->nr_reached; at++)
		follow(walk, walk->reached[at], kind);
}

/*
 * Gives to the leader what a lost block of its clique points to. A block with a kind was reached
 * before, and stays with its clique, but a former leader joins the new one. What a former leader
 * points to was reached when it led, so its pointers are not followed again.
 */
static void follow_lost(struct walk *walk, uint32_t from, uint32_t leader)
{
	for (size_t i = walk->starts[from]; i < walk->starts[(size_t)from + 1]; i++) {
		uint32_t to = walk->edges[i].to;

		if (to >= walk->nr_blocks || to == leader)
			continue;
		if (walk->kinds[to] == LEAK_UNCLASSIFIED)
			walk->reached[walk->nr_reached++] = to;
		else if (walk->kinds[to] != LEAK_DEFINITE)
			continue;
		walk->kinds[to] = LEAK_INDIRECT;
		walk->leaders[to] = leader;
	}
}

/* Each block that is still without a kind, in the order of addresses, becomes a clique's leader. */
static void gather_cliques(struct walk *walk)
{
	for (uint32_t leader = 0; leader < walk->nr_blocks; leader++) {
		size_t at = walk->nr_reached;

		if (walk->kinds[leader] != LEAK_UNCLASSIFIED)
			continue;
		walk->kinds[leader] = LEAK_DEFINITE;
		follow_lost(walk, leader, leader);
		for (; at < walk->nr_reached; at++)
			follow_lost(walk, walk->reached[at], leader);
	}
}

/*
 * Replaces leaders that joined another clique. A former leader's own leader has a higher number, so
 * going down makes theirs final. All others are then one step away from a final one.
 */
static void resolve_leaders(uint32_t *leaders, uint32_t nr)
{
	for (uint32_t i = nr; i-- > 0;)
		leaders[i] = leaders[leaders[i]];
	for (uint32_t i = 0; i < nr; i++)
		leaders[i] = leaders[leaders[i]];
}

int reach__classify(struct reach_result *result, uint32_t nr_blocks, struct reach_edge *edges,
		    size_t nr_edges)
{
	size_t nr = (size_t)nr_blocks + 1; /* a zero would be no allocation */
	size_t *starts = malloc((nr + 1) * sizeof(*starts));
	struct walk walk = {
		.edges = edges,
		.starts = starts,
		.nr_blocks = nr_blocks,
		.kinds = calloc(nr, sizeof(*walk.kinds)),
		.leaders = malloc(nr * sizeof(*walk.leaders)),
		.reached = malloc(nr * sizeof(*walk.reached)),
	};
	int err = -ENOMEM;

	*result = (struct reach_result){ walk.kinds, walk.leaders };
	if (starts && walk.kinds && walk.leaders && walk.reached)
		err = group_by_block(edges, nr_edges, nr_blocks, starts);
	if (!err) {
		for (uint32_t i = 0; i < nr_blocks; i++)
			walk.leaders[i] = i;
		spread_from_roots(&walk, LEAK_REACHABLE);
		spread_from_roots(&walk, LEAK_POSSIBLE);
		gather_cliques(&walk);
		resolve_leaders(walk.leaders, nr_blocks);
	} else {
		reach__free(result);
	}
	free(starts);
	free(walk.reached);
	return err;
}

void reach__free(struct reach_result *result)
{
	free(result->kinds);
	free(result->leaders);
	*result = (struct reach_result){ 0 };
}
