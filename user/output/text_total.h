/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The sums at the end as text: the memory that all processes held, the machine's memory, the
 * tracer's cost.
 */
#ifndef TEXT_TOTAL_H
#define TEXT_TOTAL_H

#include <stdio.h>

#include "report/report.h"

/* verbose: the rows of fork copies were shown. */
void text_total__print(FILE *out, const struct total_report *total, bool verbose);

#endif
