/* SPDX-License-Identifier: GPL-2.0 */
/* Reads the machine's memory from /proc/meminfo and counts it as free(1) does. */
#ifndef MEMINFO_H
#define MEMINFO_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/figure.h"

/* The machine's memory in the words of free(1), bytes. */
struct memory_report {
	uint64_t total_bytes, used_bytes, free_bytes, buff_cache_bytes, available_bytes;
	/* Free page frames that a CPU keeps at hand: free(1) does not count them as free. */
	figure per_cpu_lists_bytes;
};

/*
 * Parses a /proc/meminfo text. used = total - available where the kernel tells available (3.14+),
 * as procps 4 does; buff/cache = Buffers + Cached + SReclaimable. Where available is missing, or
 * more than the total, available = free and used = total - free - buff/cache. Returns 0, or
 * -EBADMSG when MemTotal, MemFree, Buffers or Cached is missing or not a number; *memory is then
 * untouched.
 */
int meminfo__read(FILE *meminfo, struct memory_report *memory);

/*
 * Sums the page frames on the per-CPU free lists from a /proc/zoneinfo text. Pages of a process
 * go there first, so that "used" can stay up for a while after its end. Returns bytes, or
 * FIGURE_UNKNOWN when the text has no such lists.
 */
figure meminfo__read_per_cpu_lists(FILE *zoneinfo, size_t page_bytes);

#endif
