/* SPDX-License-Identifier: GPL-2.0 */
/* The ends that --only shows. Pure. */
#ifndef END_FILTER_H
#define END_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/report.h"

#define END_FILTER_TERMS "oom, signalled, failed, held>=SIZE, comm=GLOB, unit=GLOB or uid=N"
#define END_FILTER_MAX_GLOBS 16

/* What is about the same thing is one of several that suffice; different things must all hold. */
struct end_filter {
	bool is_set; /* else all ends are shown */
	bool oom, signalled, failed;
	uint64_t held_bytes; /* 0: any */
	uint16_t comms[END_FILTER_MAX_GLOBS]; /* where in text they begin */
	size_t nr_comms;
	uint16_t units[END_FILTER_MAX_GLOBS];
	size_t nr_units;
	uid_t uids[END_FILTER_MAX_GLOBS];
	size_t nr_uids;
	char text[1024]; /* the terms, each with a 0 behind it */
	size_t used; /* of text */
};

/* Adds the terms between commas. Returns false when one is no term, or there are too many. */
bool end_filter__parse(struct end_filter *filter, const char *text);

/* Whether the end is shown. Memory that was not reclaimed always is. */
bool end_filter__shows(const struct end_filter *filter, const struct process_report *process);

#endif
