/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Goes from chunk to chunk through the heaps of glibc's malloc. Chunks that are in use, but are no
 * known block's, are noted one by one; the others are only counted.
 *
 * A chunk (struct malloc_chunk in glibc's malloc/malloc.c) begins with two words: the size of the
 * chunk before, only while that one is free, and the own size with three flags. The user's part
 * comes after these and ends in the first word of the next chunk. Chunks lie side by side up to
 * the arena's top chunk, or to a fencepost.
 */
#ifndef CHUNK_WALK_H
#define CHUNK_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "leaks/block_index.h"
#include "leaks/glibc_arenas.h"
#include "leaks/memory_window.h"

#define CHUNK_PREVIOUS_IN_USE 1U
#define CHUNK_IS_MMAPPED 2U
#define CHUNK_NOT_MAIN_ARENA 4U
#define CHUNK_FLAGS 7U
#define CHUNK_HEADER_BYTES 16U
#define CHUNK_MIN_BYTES 32U
#define CHUNK_ALIGNMENT 16U
/* The chunk's size less the user's part. */
#define CHUNK_OVERHEAD_BYTES 8U

static inline uint64_t chunk_align(uint64_t address)
{
	return (address + CHUNK_ALIGNMENT - 1) & ~(uint64_t)(CHUNK_ALIGNMENT - 1);
}

/* A part of memory that chunks lie in, side by side. */
struct chunk_segment {
	uint64_t first; /* where the first chunk begins */
	uint64_t other_first; /* where it may begin if not there, or 0 */
	uint64_t end;
	uint64_t top; /* the arena's top chunk, or 0: it lies elsewhere */
	bool of_main_arena;
	bool whole_only; /* where the walk does not reach the top, all of it is left out */
};

/* In use, but no known block's. */
struct unknown_chunk {
	uint64_t address; /* of the user's part */
	uint64_t link; /* its first word: in a free list, it leads to the next chunk */
	uint64_t bytes : 62;
	uint64_t is_part : 1; /* what known blocks leave of a chunk */
	uint64_t is_spare : 1; /* not the user's, as was found later: free, or the allocator's own */
};

struct chunk_walk {
	struct memory_window window;
	const struct leak_block *known; /* sorted */
	size_t nr_known;
	size_t next_known; /* the first that the walk has not passed */
	struct unknown_chunk *chunks; /* by address */
	size_t nr, capacity;
	uint64_t *group_starts; /* for the search */
	struct range_list segments; /* what was to be walked */
	struct range_list walked; /* what the chunks that were passed took up */
	uint64_t free_bytes, free_chunks;
	uint64_t nr_steps_left, nr_starts_left;
	bool incomplete; /* a part could not be walked, and is not in `walked` */
};

/* Returns 0 or -ENOMEM. */
int chunk_walk__open(struct chunk_walk *walk, const struct memory_reader *memory,
		     const struct leak_block *known, size_t nr_known);
void chunk_walk__close(struct chunk_walk *walk);

/* Segments must come in the order of their addresses. Returns 0 or -ENOMEM. */
int chunk_walk__segment(struct chunk_walk *walk, const struct chunk_segment *segment);

/* Makes chunk_walk__find ready, when all segments were walked. Returns 0 or -ENOMEM. */
int chunk_walk__index(struct chunk_walk *walk);

/* The noted chunk whose user's part begins at the address, or NULL. */
struct unknown_chunk *chunk_walk__find(const struct chunk_walk *walk, uint64_t address);

#endif
