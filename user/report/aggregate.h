/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Turns sites into the stacks of a report: ranked, cut to what was asked for, and only then named,
 * since names are expensive.
 */
#ifndef AGGREGATE_H
#define AGGREGATE_H

#include "base/mapping.h"
#include "report/report.h"
#include "books/snapshot.h"
#include "names/symbolize.h"
#include "unwind/unwind_tables.h"

struct aggregate_source {
	/* Reads the frames of a stack id: 0 or -errno. */
	int (*read_stack)(uint64_t stack_id, struct stack *stack, void *context);
	void *context;
	const struct mapping_set *mappings; /* aggregate__fill: the process's; NULL: unknown */
	struct perf_map_file *code; /* aggregate__fill: names of code made at run time, or NULL */
	struct symbolizer *symbolizer;
	const struct unwind_tables *tables; /* what file ids mean; NULL: there are none */
	uint64_t now_ns; /* for ages; 0: not recorded */
};

/*
 * Fills stacks, nr_stacks, more_* and walks of *report with the `top` largest stacks by bytes. A
 * walk is cut where it left mapped code; sites that then have the same frames are one stack. Blocks
 * that the report holds beyond all sites (their stacks were not kept) count as a stack without
 * frames, unless the snapshot is only a part (with -o). Returns 0 or -ENOMEM. aggregate__free
 * releases what was filled.
 */
int aggregate__fill(struct process_report *report, const struct snapshot *snapshot, uint64_t top,
		    bool part, const struct aggregate_source *source);
void aggregate__free(struct process_report *report);

/* One of many processes, and what it holds. */
struct aggregate_process {
	struct snapshot snapshot;
	const struct mapping_set *mappings; /* NULL: unknown */
	struct perf_map_file *code; /* names of code made at run time, or NULL */
	uint64_t held_bytes, held_blocks;
	bool lost_stacks; /* so that it can hold more than its sites say */
};

/*
 * Does the same over many processes, without walks: a stack is the same in two of them when its
 * frames lie at the same offsets of the same files. The report's stacks must be released by
 * aggregate__free_ranking.
 */
int aggregate__fill_ranking(struct ranking_report *report,
			    const struct aggregate_process *processes, size_t nr_processes,
			    uint64_t top, const struct aggregate_source *source);
void aggregate__free_ranking(struct ranking_report *report);

#endif
