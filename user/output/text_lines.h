/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The lines that text reports are made of: one fact each, after a label. Every text writer says the
 * same thing in the same words.
 */
#ifndef TEXT_LINES_H
#define TEXT_LINES_H

#include <stdio.h>

#include "report/report.h"

/* The column where the text after a label begins. */
#define TEXT_LINES_LABEL_COLUMNS 21

/* Begins a line; "" continues the label above. */
void text_lines__label(FILE *out, const char *label);
/* A whole line: a string that a program chose, made safe. */
void text_lines__string(FILE *out, const char *label, const char *string);

/* Whether losses may have made sums too small, and the words before such sums: "at least ". */
bool text_lines__sums_affected(const struct report_lost *lost);
const char *text_lines__before_sums(const struct report_lost *lost);
/* The same for figures by stack, which losses of stacks affect too. */
const char *text_lines__before_stacks(const struct report_lost *lost);

/* "67,108,864 bytes in 1 block", or that it is unknown; no line of its own. */
void text_lines__held(FILE *out, const struct process_report *process);

/* Whole lines; none where there is nothing to say. */
void text_lines__setup(FILE *out, const struct start_report *start);
/* One line with what this kernel can't offer; nothing when it offers all. */
void text_lines__degraded(FILE *out, const struct start_report *start);
void text_lines__lost(FILE *out, const struct report_lost *lost);
/* Of a process that stood still until its new files had been looked into (--hold-new). */
void text_lines__held_back(FILE *out, const struct process_report *process);
void text_lines__inherited(FILE *out, const struct process_report *process);
void text_lines__memory_in_use(FILE *out);
void text_lines__verdict(FILE *out, const struct process_report *process);
/* All memory that stays; and only that which stays by name. */
void text_lines__stays(FILE *out, const struct report_stays *stays);
void text_lines__kept(FILE *out, const struct report_stays *stays);
/* "and 12 more stacks, 3,456 bytes in 20 blocks": noun is such as "more stack". */
void text_lines__more(FILE *out, uint64_t number, const char *noun, const char *at_least,
		      uint64_t bytes, uint64_t blocks);

#endif
