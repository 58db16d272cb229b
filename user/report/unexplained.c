// SPDX-License-Identifier: GPL-2.0
/* See unexplained.h. Called by reported_process.c. */
#include "report/unexplained.h"

#include "report/losses.h"

/* No known allocator takes more for a block than its size twice, and a page at either end of it. */
#define BLOCK_OVERHEAD_BYTES 8192

/* What a process has besides blocks: stacks, data, and tcmalloc's own records (4 MiB). */
#define OTHER_BYTES (8 << 20)

/* The same without a call of an allocator: a loader's and a C library's data, and a stack. */
#define OTHER_BYTES_WITHOUT_CALLS (1 << 20)

static bool called_nothing(const struct process_report *report)
{
	return !report->allocated_blocks && !report->freed_blocks && !report->unknown_frees &&
	       !report->failed;
}

/* The totals hold all that it ever allocated, and its memory is its own. */
static bool is_known(const struct process_report *report)
{
	return report->reclaimed.rss_anon_bytes != FIGURE_UNKNOWN && !report->not_looked_at &&
	       !report->late_attach && !report->filtered && !report->fork_copy &&
	       !report->inherited_from && !losses__lessen_sums(&report->lost);
}

/* So much its blocks can take at the most: all that it ever allocated, even what it freed. */
static bool explain_blocks(const struct process_report *report, figure *bytes)
{
	figure overhead;

	return !__builtin_mul_overflow(report->allocated_bytes, 2, bytes) &&
	       !__builtin_mul_overflow(report->allocated_blocks, BLOCK_OVERHEAD_BYTES, &overhead) &&
	       !__builtin_add_overflow(*bytes, overhead, bytes);
}

void unexplained__judge(struct process_report *report)
{
	bool uncalled = called_nothing(report);
	figure rest, blocks;

	report->unexplained_bytes = FIGURE_UNKNOWN;
	if (!is_known(report))
		return;
	report->unexplained_bytes = 0;
	if (!explain_blocks(report, &blocks))
		return;
	rest = report->reclaimed.rss_anon_bytes - blocks;
	if (rest < (uncalled ? OTHER_BYTES_WITHOUT_CALLS : OTHER_BYTES))
		return;
	report->unexplained_bytes = rest;
	report->uncalled = uncalled && report->has_allocator;
	report->has_allocator &= !uncalled;
}
