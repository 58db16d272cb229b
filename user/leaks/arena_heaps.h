/* SPDX-License-Identifier: GPL-2.0 */
/* Where the chunks of each arena lie: the main arena grows by brk, the others have heaps. */
#ifndef ARENA_HEAPS_H
#define ARENA_HEAPS_H

#include "leaks/arena_list.h"
#include "leaks/chunk_walk.h"
#include "leaks/memory_reader.h"
#include "leaks/process_areas.h"

struct heap_list {
	struct chunk_segment *list; /* by address; never overlapping */
	size_t nr, capacity;
	/* The arenas' own structs, and what comes before the first chunk of a heap. */
	struct range_list owned;
	bool incomplete; /* some heap is missing */
};

/* Returns 0 or -ENOMEM. heap_list__free after success. */
int heap_list__read(struct heap_list *heaps, const struct memory_reader *memory,
		    const struct process_areas *areas, const struct arena_list *arenas);
void heap_list__free(struct heap_list *heaps);

/* Whether all of [start, end) can be read and is anonymous memory. */
bool heap_list__is_anonymous(const struct process_areas *areas, uint64_t start, uint64_t end);

#endif
