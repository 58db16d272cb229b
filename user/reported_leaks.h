/* SPDX-License-Identifier: GPL-2.0 */
/* Fills the leak check of a report from its findings. */
#ifndef REPORTED_LEAKS_H
#define REPORTED_LEAKS_H

#include "exit_code.h"
#include "leak_checks.h"
#include "report_sources.h"
#include "reported_process.h"

struct suppressions;

/* What the leak checks of a run have in common. */
struct leak_reporting {
	struct leak_checks *checks; /* NULL: none were asked for */
	struct suppressions *suppressions; /* NULL: none were given */
	struct leaks_found found; /* by all checks that were reported */
};

/* The data that report->leaks points to. */
struct reported_leaks {
	struct report_leaks leaks;
	struct report_suppression *used;
};

/*
 * Fills report->leaks and report->stacks with what the last check found, or report->leaks_why.
 * ended: the process has ended. Returns whether the stacks were filled; aggregate__free and
 * reported_leaks__free release what was.
 */
bool reported_leaks__fill(struct reported_leaks *reported, const struct report_sources *sources,
			  const struct reported_process *process, bool ended,
			  struct process_report *report);
void reported_leaks__free(struct reported_leaks *reported);

#endif
