/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The writers: each turns the plain data of report.h into one format on a FILE. A writer never
 * reads a map, never sorts and never decides what to show.
 */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include "report/report.h"

struct output_format {
	const char *name;
	bool for_people; /* on a terminal, long lines are broken at words */
	void (*start)(FILE *out, const struct start_report *start);
	void (*process_exit)(FILE *out, const struct process_report *process);
	void (*outstanding)(FILE *out, const struct process_report *process);
	/* Of the whole system; NULL in the formats that are not for it. */
	void (*ranking)(FILE *out, const struct ranking_report *ranking);
	void (*trace)(FILE *out, const struct trace_report *event);
	void (*total)(FILE *out, const struct total_report *total);
};

/* Text for people; verbose adds addresses, module paths and the figures of JSON that text leaves
 * out. */
extern const struct output_format output_text;
extern const struct output_format output_text_verbose;
/* The whole system: a row of columns for each end. */
extern const struct output_format output_text_system;
extern const struct output_format output_text_system_verbose;
/* JSON Lines, one object a line. The fields are stable. */
extern const struct output_format output_json;

#endif
