/* SPDX-License-Identifier: GPL-2.0 */
/* The machine's memory from /proc/meminfo, counted as free(1) counts it. */
#ifndef MEMINFO_H
#define MEMINFO_H

#include <stdio.h>

#include "report/report.h"

/*
 * Parses a /proc/meminfo text. used = total - available where the kernel tells available (3.14+),
 * as procps 4 does; buff/cache = Buffers + Cached + SReclaimable. Where it does not, available =
 * free and used = total - free - buff/cache. Returns 0, or -EBADMSG when MemTotal, MemFree, Buffers
 * or Cached is missing or not a number; *memory is then untouched.
 */
int meminfo__read(FILE *meminfo, struct memory_report *memory);

/*
 * Sums the page frames on the per-CPU free lists from a /proc/zoneinfo text. What a process held
 * goes there first, so that "used" can stay up for a while after its end. Bytes, or FIGURE_UNKNOWN
 * when the text has no such lists.
 */
figure meminfo__read_per_cpu_lists(FILE *zoneinfo, size_t page_bytes);

#endif
