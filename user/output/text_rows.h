/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tables of the whole system: a row for each process that ends, and a row for each process in a
 * ranking. Whole lines. ">=" before a figure means that losses may have made it too small. "+"
 * after a held figure means that the process ran before the tracer, and that its earlier blocks are
 * not counted.
 */
#ifndef TEXT_ROWS_H
#define TEXT_ROWS_H

#include <stdio.h>

#include "report/report.h"

/* Columns that don't fit the terminal are left out; terminal_columns 0: everything fits. */
void text_rows__print_heads(FILE *out, unsigned int terminal_columns);
void text_rows__print_exit(FILE *out, const struct process_report *process,
			   unsigned int terminal_columns);

/* The heads and all rows. */
void text_rows__print_ranking(FILE *out, const struct ranking_report *ranking,
			      unsigned int terminal_columns);

#endif
