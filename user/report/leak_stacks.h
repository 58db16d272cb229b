/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Turns the sites of a leak check into the stacks of a report: one for each stack and kind, those
 * that need work first.
 */
#ifndef LEAK_STACKS_H
#define LEAK_STACKS_H

#include "report/aggregate.h"
#include "report/report.h"

struct suppressions;

/* The blocks of one kind that one call site allocated. */
struct leak_site {
	uint64_t stack_id;
	enum leak_kind kind;
	struct leak_sum own;
	struct leak_sum indirect; /* LEAK_DEFINITE: lost with them */
	int64_t growth_bytes, growth_blocks; /* since the check before; 0 at the first */
	struct snapshot_block *block_list; /* only when single blocks are to be listed */
	size_t nr_block_list;
};

struct leak_stacks_request {
	const struct leak_site *sites;
	size_t nr_sites;
	unsigned int
		error_kinds; /* a sum of LEAK_KIND_BIT: suppressed even when they aren't shown */
	uint64_t top; /* how many stacks are shown */
	struct suppressions *suppressions; /* NULL: none */
};

/*
 * Fills report->stacks, with the kinds of leaks->shown_kinds, and the sums of *leaks. A stack that
 * grew comes before others of its kind when leaks->since_s says that there was a check before.
 * Returns 0 or -ENOMEM, and then no stacks are left. aggregate__free releases them.
 */
int leak_stacks__fill(struct process_report *report, struct report_leaks *leaks,
		      const struct leak_stacks_request *request,
		      const struct aggregate_source *source);

#endif
