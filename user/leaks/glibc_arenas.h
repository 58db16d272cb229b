/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What glibc's malloc says of its own memory: which of it is the allocator's, which chunks are in
 * use, which are free. Read from outside, out of a process that may be hostile or corrupt, so every
 * step is checked and bounded. Versions 2.26 to 2.41, 64 bits.
 */
#ifndef GLIBC_ARENAS_H
#define GLIBC_ARENAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "leaks/block_index.h"
#include "leaks/memory_reader.h"
#include "leaks/process_areas.h"

/*
 * malloc rounds a request up to the next chunk size, and leaves a remainder that is too small for a
 * chunk. At a known block's end, less than this is not told as unknown.
 */
#define CHUNK_MAX_SLACK_BYTES 64

/* [start, end) */
struct address_range {
	uint64_t start, end;
};

struct range_list {
	struct address_range *list; /* sorted; never overlapping */
	size_t nr, capacity;
};

/* A chunk that is in use. */
struct used_chunk {
	uint64_t address, bytes; /* of the user's part */
	uint64_t first_word;
};

struct chunk_list {
	struct used_chunk *list; /* sorted */
	size_t nr, capacity;
};

enum arenas_state {
	ARENAS_NONE, /* no main_arena was found: another allocator, or a static program without one */
	ARENAS_WALKED,
	ARENAS_PARTLY, /* damaged, in the midst of a change, or over a bound: some of it is missing */
};

struct glibc_arenas {
	enum arenas_state state;
	/*
	 * The allocator's: the heaps that were walked, each arena's own struct, and mmapped chunks
	 * of known blocks. Pointers in there count only where a block or an unknown chunk has them.
	 */
	struct range_list owned;
	/*
	 * The user's part of chunks that are in use but are no known block's: blocks from before
	 * the attach, or a call that is under way. The allocator's per-thread caches are not among
	 * them.
	 */
	struct range_list unknown;
	uint64_t unknown_bytes; /* of these */
	struct chunk_list chunks; /* those of them that are whole chunks */
	/*
	 * What mmapped chunks have after their known blocks, part of `owned`: less than two pages
	 * each. realloc() lets a block grow into it without a move.
	 */
	struct range_list mapped_ends;
	uint64_t free_bytes, free_chunks; /* in bins, fast bins, per-thread caches and tops */
};

/*
 * Walks all arenas. known: sorted blocks. Returns 0 or -ENOMEM; call glibc_arenas__free after
 * success. A state but ARENAS_NONE means that `owned` and `unknown` can be relied on: what could
 * not be walked is in neither.
 */
int glibc_arenas__read(struct glibc_arenas *arenas, const struct memory_reader *memory,
		       const struct process_areas *areas, const struct leak_block *known,
		       size_t nr_known);
void glibc_arenas__free(struct glibc_arenas *arenas);

#endif
