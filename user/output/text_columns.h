/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rows of columns: a table says what the columns are, this room which of them fit and where they
 * stand. Heads and rows agree when they are asked for with the same number of terminal columns.
 */
#ifndef TEXT_COLUMNS_H
#define TEXT_COLUMNS_H

#include <stddef.h>
#include <stdio.h>

#include "base/text_units.h"

struct text_column {
	const char *name;
	unsigned int width; /* for the name and for every cell: what is longer is cut */
	unsigned int min_width; /* to which it may shrink; 0: it may not */
	unsigned int priority; /* on a narrow terminal the lowest is left out first */
	bool to_the_right; /* numbers */
	/* What stands there, as it is: hostile text is made safe here. */
	struct unit_text (*cell)(const void *row);
};

struct text_table {
	const struct text_column *columns;
	size_t nr_columns; /* at most 16 */
};

/* Without a newline before or behind; terminal_columns 0: everything fits. */
void text_columns__print_heads(FILE *out, const struct text_table *table,
			       unsigned int terminal_columns);
void text_columns__print_row(FILE *out, const struct text_table *table,
			     unsigned int terminal_columns, const void *row);

#endif
