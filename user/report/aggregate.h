/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fills in the stacks of a report: grouped and ranked by stack_groups.h, cut to what was asked for,
 * and only then named, since names are expensive.
 */
#ifndef AGGREGATE_H
#define AGGREGATE_H

#include "base/mapping.h"
#include "books/snapshot.h"
#include "report/growth.h"
#include "report/report.h"
#include "report/stack_groups.h"
#include "names/symbolize.h"

struct aggregate_source {
	struct stack_reader reader;
	const struct mapping_set *mappings; /* aggregate__fill: the process's; NULL: unknown */
	struct perf_map_file *code; /* aggregate__fill: names of code made at run time, or NULL */
	struct symbolizer *symbolizer;
	uint64_t now_ns; /* for ages; 0: not recorded */
};

/* Which stacks are shown. */
struct aggregate_request {
	uint64_t top; /* so many at most */
	enum stack_order order; /* ORDER_HELD where what it takes is not known */
	bool part; /* the snapshot is only a part (with -o): no stack has the blocks beyond its
		      sites */
	struct growth
		*growth; /* how stacks grew from report to report; NULL: this is no such report */
	uint64_t began_ns; /* of growth_subject */
	const struct births *births; /* of growth_subject */
};

/*
 * Fills stacks and walks of *report, the first in their order. serial: of the address space.
 * Returns 0 or -ENOMEM. aggregate__free releases what was filled.
 */
int aggregate__fill(struct process_report *report, const struct snapshot *snapshot, uint64_t serial,
		    const struct aggregate_request *request, const struct aggregate_source *source);

/* Does the same over many processes, without walks. */
int aggregate__fill_ranking(struct ranking_report *report, const struct process_sites *processes,
			    size_t nr_processes, const struct aggregate_request *request,
			    const struct aggregate_source *source);

/*
 * Fills in the frames of one stack, with their names, and where it ended. Call
 * symbolizer__begin_report once before the stacks of a report. Returns 0 or -ENOMEM.
 */
int aggregate__name(struct report_stack *report, const struct stack_group *group,
		    const struct aggregate_source *source);

/* Lists the single blocks of the group's sites. now_ns: for ages. Returns 0 or -ENOMEM. */
int aggregate__list_blocks(struct report_stack *report, const struct stack_group *group,
			   uint64_t now_ns);

/* Leaves none. */
void aggregate__free(struct report_stacks *stacks);

#endif
