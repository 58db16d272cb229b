/* SPDX-License-Identifier: GPL-2.0 */
/* A leak check as text: loss records below a title for each kind, then Valgrind's summary. */
#ifndef LEAK_TEXT_H
#define LEAK_TEXT_H

#include <stdio.h>

#include "output/text_view.h"
#include "report/report.h"

/* The stacks of a process: as loss records if it was checked for leaks, else as they are. */
void leak_text__print(FILE *out, const struct process_report *process, struct text_view view);

/* What to say in a few words when no lost block was found; NULL: some were, or nobody looked. */
const char *leak_text__nothing_lost(const struct process_report *process);

/* The line that says why there was no leak check, if one was asked for. */
void leak_text__not_done(FILE *out, const struct process_report *process);

#endif
