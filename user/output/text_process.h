/* SPDX-License-Identifier: GPL-2.0 */
/* One process as text, at length: a line for each fact, then its stacks. */
#ifndef TEXT_PROCESS_H
#define TEXT_PROCESS_H

#include <stdio.h>

#include "report/report.h"

/* verbose adds addresses, module paths and the figures of JSON that text leaves out. */
void text_process__exit(FILE *out, const struct process_report *process, bool verbose);
void text_process__outstanding(FILE *out, const struct process_report *process, bool verbose);

#endif
