/* SPDX-License-Identifier: GPL-2.0 */
/* The blocks of one process, sorted, and the search for the block that an address points into. */
#ifndef BLOCK_INDEX_H
#define BLOCK_INDEX_H

#include <stddef.h>
#include <stdint.h>

struct leak_block {
	uint64_t address;
	uint64_t size_bytes;
	uint64_t stack_id; /* of the call that allocated it */
	uint64_t time_ns; /* CLOCK_MONOTONIC, when it was allocated */
};

#define BLOCK_NONE UINT32_MAX

/*
 * Sorts blocks by address, in place. Where two overlap, the older is dropped: its free was seen
 * late. Blocks whose range wraps around are dropped too. Returns how many are left.
 */
size_t block_index__sort(struct leak_block *blocks, size_t nr);

struct block_index;

/*
 * An index over sorted blocks, which must outlive it: at most BLOCK_NONE of them. NULL and errno:
 * ENOMEM or E2BIG. Takes at most 16 bytes a block.
 */
struct block_index *block_index__new(const struct leak_block *blocks, size_t nr);
void block_index__free(struct block_index *index);

/*
 * The number of the block that the address points into, or BLOCK_NONE. A block of zero bytes is
 * found by its start, as in Valgrind.
 */
uint32_t block_index__find(const struct block_index *index, uint64_t address);

#endif
