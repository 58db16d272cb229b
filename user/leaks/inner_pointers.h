/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which pointers into the middle of blocks count as pointers to their starts. Only blocks are
 * judged that would be reachable by this alone: few, mostly, so few bytes of the process are read.
 */
#ifndef INNER_POINTERS_H
#define INNER_POINTERS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "leaks/block_index.h"
#include "leaks/leak_kind.h"
#include "leaks/memory_reader.h"
#include "leaks/process_areas.h"
#include "leaks/reach.h"

#define INNER_WORD_BYTES 8

/*
 * The note of an edge that is to be judged: how many words after the block's start it points. 0: to
 * the start itself, or where no heuristic can match, as all of them want whole words, and none far
 * away. So an exact edge with such a note is one that a heuristic made exact.
 */
static inline uint16_t inner_pointers__note(uint64_t offset_bytes)
{
	if (offset_bytes % INNER_WORD_BYTES || offset_bytes / INNER_WORD_BYTES > UINT16_MAX)
		return 0;
	return (uint16_t)(offset_bytes / INNER_WORD_BYTES);
}

struct inner_pointers {
	/* From a number that is no block's: a root's. To one: exact, and of no interest here. */
	struct reach_edge *edges;
	size_t nr_edges;
	const struct leak_block *blocks;
	uint32_t nr_blocks;
	unsigned int heuristics; /* allowed ones */
	const struct memory_reader *memory;
	const struct process_areas *areas;
	uint8_t *found_by; /* of each block, 0 at first; then 1 + the heuristic that made an edge
			      exact */
};

/*
 * Makes edges to possibly lost blocks exact where a heuristic matches. kinds: of the edges as they
 * are. Returns how many it made exact, or -ENOMEM.
 */
ssize_t inner_pointers__judge(const struct inner_pointers *inner, const uint8_t *kinds);

/*
 * Afterwards, kinds are those with the new edges. Forgets heuristics that were not needed: a plain
 * pointer was found, too, or the block is not reachable after all.
 */
void inner_pointers__keep_needed(const struct inner_pointers *inner, const uint8_t *kinds);

#endif
