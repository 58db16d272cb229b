/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rows of columns: a table defines the columns; this room decides which of them fit and where they
 * stand. Heads and rows agree when they are printed for the same number of terminal columns.
 */
#ifndef TEXT_COLUMNS_H
#define TEXT_COLUMNS_H

#include <stddef.h>
#include <stdio.h>

#include "base/text_units.h"

struct text_column {
	const char *name;
	unsigned int width; /* for the name and for every cell: longer text is cut */
	unsigned int min_width; /* the width that it may shrink to; 0: it may not */
	unsigned int
		priority; /* on a narrow terminal, the column with the lowest is left out first */
	bool to_the_right; /* for numbers */
	/* The cell's text, raw: hostile text is made safe by this room. */
	struct unit_text (*cell)(const void *row);
};

struct text_table {
	const struct text_column *columns;
	size_t nr_columns; /* at most 16 */
};

/* Print no newline, before or after; terminal_columns 0: everything fits. */
void text_columns__print_heads(FILE *out, const struct text_table *table,
			       unsigned int terminal_columns);
void text_columns__print_row(FILE *out, const struct text_table *table,
			     unsigned int terminal_columns, const void *row);

#endif
