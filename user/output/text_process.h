/* SPDX-License-Identifier: GPL-2.0 */
/* One process as text, at length: a line for each fact, then its stacks. */
#ifndef TEXT_PROCESS_H
#define TEXT_PROCESS_H

#include <stdio.h>

#include "output/text_view.h"
#include "report/report.h"

void text_process__exit(FILE *out, const struct process_report *process, struct text_view view);
void text_process__outstanding(FILE *out, const struct process_report *process,
			       struct text_view view);

#endif
