/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The sums over a whole run: over the report of each end, the machine's memory before and after,
 * and the tracer's own use.
 */
#ifndef RUN_TOTAL_H
#define RUN_TOTAL_H

#include <stdbool.h>

#include "bpf/wire.h"
#include "probes/tracer.h"
#include "report/report.h"

struct run_total {
	struct total_report sums; /* grows with each end */
	bool after_known; /* sums.after was taken at an end */
};

/* Whether it is a fork's copy that only went on by exec: a step of starting a program. */
bool run_total__is_mere_copy(const struct process_report *report);

/* Adds an end that was reported, and the space that ended. */
void run_total__add(struct run_total *total, const struct space *space,
		    const struct process_report *report);

/* Note the machine's memory before anything runs, and at an end. */
void run_total__note_before(struct run_total *total);
void run_total__note_after(struct run_total *total);

/*
 * The sums so far. Notes the memory now if it was never noted at an end. The losses are those
 * counted by the spaces, by these maps, and by the tracer itself.
 */
struct total_report run_total__report(struct run_total *total, const struct tracer_maps *maps,
				      const struct report_lost *lost_by_tracer);

#endif
