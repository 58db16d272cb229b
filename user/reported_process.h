/* SPDX-License-Identifier: GPL-2.0 */
/* Fills the report of one process from the record of its address space and from other rooms. */
#ifndef REPORTED_PROCESS_H
#define REPORTED_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "books/snapshot.h"
#include "processes/processes.h"
#include "report/growth.h"
#include "report/report.h"
#include "report_sources.h"

/* The process, and all that is known of it. Times are CLOCK_MONOTONIC. */
struct reported_process {
	const struct space *space;
	const struct image *image; /* the program that had the space; NULL: unknown */
	const struct snapshot_blocks *blocks; /* gathered for it, where the options need them */
	struct growth *growth; /* of a report at an interval; else NULL */
	const struct births *births; /* when its blocks were allocated; NULL: unknown */
	uint64_t ready_ns; /* when all that is traced from the start was probed */
	uint64_t end_ns; /* the time up to which it ran; 0: unknown */
	uint64_t now_ns;
};

/* Fills in which process it is, and its counters. */
void reported_process__fill(const struct report_sources *sources,
			    const struct reported_process *process, struct process_report *report);

/* Its stacks; aggregate__free releases them. A failure is told as a warning. */
void reported_process__fill_stacks(const struct report_sources *sources,
				   const struct reported_process *process,
				   struct process_report *report);

/*
 * Fills in how it ended, and what became of its memory. memory_gone: false when something else
 * still uses the memory. shm_survivors__free_stays releases report->stays.
 */
void reported_process__fill_end(const struct report_sources *sources,
				const struct reported_process *process, bool memory_gone,
				struct process_report *report);

#endif
