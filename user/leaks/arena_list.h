/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finds glibc's arenas: every main_arena, in the data of libc or of a static program, by what it
 * looks like, and from there the others.
 */
#ifndef ARENA_LIST_H
#define ARENA_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "leaks/memory_window.h"
#include "leaks/process_areas.h"

#define ARENA_FAST_BINS 10

/* Of struct malloc_state. */
struct arena {
	uint64_t address, end;
	uint64_t fast_bins[ARENA_FAST_BINS];
	uint64_t top, next;
	uint64_t system_bytes; /* of all of its heaps */
	bool is_main;
	bool is_unused; /* no memory was taken yet */
};

struct arena_list {
	struct arena *list;
	size_t nr, capacity;
	bool incomplete; /* over a bound */
};

/* Returns 0 or -ENOMEM. arena_list__free after success. */
int arena_list__read(struct arena_list *arenas, const struct memory_reader *memory,
		     const struct process_areas *areas);
void arena_list__free(struct arena_list *arenas);

#endif
