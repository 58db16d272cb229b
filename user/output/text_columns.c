// SPDX-License-Identifier: GPL-2.0
/*
 * Decides which columns fit, and prints their cells. No row is longer than the terminal is wide,
 * whatever a cell says: a row that wraps makes all the rows around it hard to read.
 */
#include "output/text_columns.h"

#include <limits.h>

#include "base/sanitize_text.h"

#define MAX_COLUMNS 16

/* The width of each column; 0: it is left out. */
struct layout {
	unsigned int widths[MAX_COLUMNS];
};

static unsigned int narrowest(const struct text_column *column)
{
	return column->min_width ? column->min_width : column->width;
}

/* The width of a row, with a space between columns. */
static unsigned int sum_widths(const struct layout *layout)
{
	unsigned int sum = 0;

	for (size_t i = 0; i < MAX_COLUMNS; i++)
		sum += layout->widths[i] ? layout->widths[i] + (sum ? 1 : 0) : 0;
	return sum;
}

/* Returns false when only one column is left. */
static bool leave_one_out(struct layout *layout, const struct text_table *table)
{
	size_t nr_left = 0, least = 0;

	for (size_t i = 0; i < table->nr_columns; i++) {
		if (!layout->widths[i])
			continue;
		if (!nr_left++ || table->columns[i].priority < table->columns[least].priority)
			least = i;
	}
	if (nr_left < 2)
		return false;
	layout->widths[least] = 0;
	return true;
}

static struct layout lay_out(const struct text_table *table, unsigned int terminal_columns)
{
	unsigned int room = terminal_columns ? terminal_columns : UINT_MAX, spare;
	struct layout layout = { 0 };

	for (size_t i = 0; i < table->nr_columns; i++)
		layout.widths[i] = narrowest(&table->columns[i]);
	while (sum_widths(&layout) > room && leave_one_out(&layout, table))
		;
	/* The room that is left over goes to the columns that could shrink. */
	for (size_t i = 0; i < table->nr_columns && sum_widths(&layout) < room; i++) {
		spare = room - sum_widths(&layout);
		if (layout.widths[i] && table->columns[i].width - layout.widths[i] > spare)
			layout.widths[i] += spare;
		else if (layout.widths[i])
			layout.widths[i] = table->columns[i].width;
	}
	return layout;
}

/* Whether it is the last column of the row: its cell gets no padding. */
static bool is_last(const struct layout *layout, size_t column)
{
	for (size_t i = column + 1; i < MAX_COLUMNS; i++) {
		if (layout->widths[i])
			return false;
	}
	return true;
}

/* row NULL: the heads. */
static void print(FILE *out, const struct text_table *table, unsigned int terminal_columns,
		  const void *row)
{
	struct layout layout = lay_out(table, terminal_columns);
	bool first = true;

	for (size_t i = 0; i < table->nr_columns; i++) {
		const struct text_column *column = &table->columns[i];
		struct unit_text cell;
		const char *text = column->name;
		unsigned int width = layout.widths[i];
		int padding;

		if (!width)
			continue;
		if (row) {
			cell = column->cell(row);
			text = cell.text;
		}
		padding = (int)(width - sanitize_text__columns_cut(text, width));
		fprintf(out, "%s%*s", first ? "" : " ", column->to_the_right ? padding : 0, "");
		sanitize_text__print_cut(out, text, width);
		if (!column->to_the_right && !is_last(&layout, i))
			fprintf(out, "%*s", padding, "");
		first = false;
	}
}

void text_columns__print_heads(FILE *out, const struct text_table *table,
			       unsigned int terminal_columns)
{
	print(out, table, terminal_columns, NULL);
}

void text_columns__print_row(FILE *out, const struct text_table *table,
			     unsigned int terminal_columns, const void *row)
{
	print(out, table, terminal_columns, row);
}
