/* SPDX-License-Identifier: GPL-2.0 */
/* How stacks have grown between reports, as text. */
#ifndef TEXT_GROWTH_H
#define TEXT_GROWTH_H

#include <stdio.h>

#include "report/report.h"

/*
 * "+134,208 bytes in 8.0 s (544,752 bytes in 11,349 blocks, 96 % older)"; no line of its own.
 * at_least: words before what is held.
 */
void text_growth__head(FILE *out, const struct report_stack *stack,
		       const struct report_stacks *stacks, const char *at_least);

/*
 * A line above the head, on whether what grew before is still there; none where that says nothing
 * yet.
 */
void text_growth__survival(FILE *out, const struct report_growth *growth,
			   const struct report_stacks *stacks);

/* A line on the stacks that have not grown; none if there are none. */
void text_growth__steady(FILE *out, const struct report_stacks *stacks, const char *at_least);

/* ", 134,208 bytes more than 8.0 s ago", after what a process holds; no line of its own. */
void text_growth__of_process(FILE *out, const struct process_report *process);

/*
 * Lines on the resident set of a process that runs, and how it grows; one says so when what is held
 * does not explain that.
 */
void text_growth__resident(FILE *out, const struct process_report *process);

#endif
