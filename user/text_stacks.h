/* SPDX-License-Identifier: GPL-2.0 */
/* The stacks of a report as text: one row for each, its frames and its blocks below. */
#ifndef TEXT_STACKS_H
#define TEXT_STACKS_H

#include <stdio.h>

#include "report.h"

/*
 * Prints the process's stacks in their order, then what was cut. at_least stands before each
 * figure: "" or "at least ". Verbose frames have paths in full, module and address.
 */
void text_stacks__print(FILE *out, const struct process_report *process, const char *at_least,
			bool verbose);

#endif
