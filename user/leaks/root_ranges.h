/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Ranges of addresses, and which of a process's memory is to be scanned for pointers: plain
 * arithmetic over what others have found out. Pure.
 */
#ifndef ROOT_RANGES_H
#define ROOT_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "leaks/block_index.h"
#include "leaks/glibc_arenas.h"
#include "leaks/process_areas.h"

/* Whether the address lies in one of the ranges of a sorted list. */
bool root_ranges__contain(const struct range_list *list, uint64_t address);

/*
 * What is in the list but not in minus; what is in either of two. All are sorted. *result is new.
 * They return 0 or -ENOMEM.
 */
int root_ranges__subtract(struct range_list *result, const struct range_list *list,
			  const struct range_list *minus);
int root_ranges__unite(struct range_list *result, const struct range_list *one,
		       const struct range_list *other);

/* What the plan is made from. Lists and blocks are sorted. */
struct root_sources {
	const struct process_areas *areas;
	const struct range_list *owned; /* the allocator's */
	const struct range_list *unknown; /* in use in there, but no known block's */
	const struct range_list *dead; /* stacks below the stack pointer */
	const struct leak_block *blocks;
	size_t nr_blocks;
	uint64_t beyond_bytes; /* scanned after each block, too; see struct leak_scan_request */
};

/*
 * All memory to be scanned, in whole words: what can be read and written and is neither the
 * allocator's nor a dead stack's, the variables beside the allocator's that were made read-only, and
 * the contents of blocks and unknown chunks. Valgrind scans the
 * same (scan_memory_root_set and lc_scan_memory in memcheck/mc_leakcheck.c). Blocks also count in
 * memory that was made read-only. *plan is new. Returns 0 or -ENOMEM.
 */
int root_ranges__plan(struct range_list *plan, const struct root_sources *sources);

/*
 * The areas with known blocks that are not in memory of glibc's malloc: those of another allocator.
 * *foreign is new. Returns 0 or -ENOMEM.
 */
int root_ranges__foreign(struct range_list *foreign, const struct root_sources *sources);

#endif
