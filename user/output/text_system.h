/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The whole system as text: a row of columns for each process that ends, and below it only what a
 * reader must know of the process; at an interval, a ranking.
 */
#ifndef TEXT_SYSTEM_H
#define TEXT_SYSTEM_H

#include <stdio.h>

#include "output/text_view.h"
#include "report/report.h"

/* text_system__start leaves the heads of the table to its caller. */
void text_system__start(FILE *out, const struct start_report *start, bool verbose);
void text_system__exit(FILE *out, const struct process_report *process, struct text_view view);
void text_system__ranking(FILE *out, const struct ranking_report *ranking, struct text_view view);

#endif
