// SPDX-License-Identifier: GPL-2.0
/* See text_tree.h. Used by text_stacks.c. Names are hostile: each goes through sanitize_text. */
#include "output/text_tree.h"

#include <inttypes.h>
#include <string.h>

#include "base/sanitize_text.h"
#include "base/text_units.h"
#include "output/short_name.h"
#include "report/stack_tree.h"

#define MAX_INDENT 40
#define MAX_NAME_COLUMNS 60
#define MAX_SHORT_NAME_BYTES 4096

struct printer {
	FILE *out;
	bool by_growth;
	double percent; /* below it, rows are summed up */
};

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static void print_function(FILE *out, const struct report_frame *frame)
{
	char buffer[MAX_SHORT_NAME_BYTES];

	if (frame->function) {
		sanitize_text__print_cut(out,
					 short_name__fit(frame->function, MAX_NAME_COLUMNS, buffer,
							 sizeof(buffer)),
					 MAX_NAME_COLUMNS);
	} else if (frame->module) {
		sanitize_text__print(out, last_part(frame->module));
		fprintf(out, "+0x%" PRIx64, frame->module_offset);
	} else if (frame->address) {
		fprintf(out, "0x%" PRIx64, frame->address);
	} else {
		fputs("(unknown)", out);
	}
}

/* The place of the innermost one; with several stacks it may be one of several in that function. */
static void print_place(FILE *out, const struct stack_tree_row *row)
{
	const struct report_frame *frame = &row->stack->frames[row->first - (row->nr - 1)];

	if (row->stacks > 1 || !frame->file)
		return;
	fputs("  ", out);
	sanitize_text__print(out, last_part(frame->file));
	if (frame->line)
		fprintf(out, ":%u", frame->line);
}

static void print_functions(FILE *out, const struct stack_tree_row *row)
{
	for (size_t i = 0; i < row->nr; i++) {
		if (i)
			fputs(" > ", out);
		print_function(out, &row->stack->frames[row->first - i]);
	}
}

static void print_what(const struct printer *printer, const struct stack_tree_row *row)
{
	if (!row->stack)
		fprintf(printer->out, "%s, each below %g %%",
			text_units__nouns(row->stacks, "more stack").text, printer->percent);
	else if (row->nr) {
		print_functions(printer->out, row);
		print_place(printer->out, row);
	} else {
		fputs(row->stack->nr_frames ? "(itself)" : "(no stack was recorded)", printer->out);
	}
}

static void print_row(const struct stack_tree_row *row, void *context)
{
	const struct printer *printer = context;
	FILE *out = printer->out;
	int indent = row->depth < MAX_INDENT / 2 ? 2 * (int)row->depth : MAX_INDENT;

	fprintf(out, "  %5.1f %%  ", 100 * row->share);
	if (printer->by_growth)
		fprintf(out, "%s%5s  ", row->growth_bytes > 0 ? "+" : "",
			text_units__short_size(row->growth_bytes).text);
	fprintf(out, "%6s  %7s  %*s",
		text_units__short_size(text_units__to_figure(row->bytes)).text,
		text_units__short_count(row->blocks).text, indent, "");
	print_what(printer, row);
	fputc('\n', out);
}

void text_tree__print(FILE *out, const struct report_stacks *stacks, struct text_view view)
{
	struct printer printer = {
		.out = out,
		.by_growth = stacks->order == ORDER_GROWTH,
		.percent = view.tree_percent,
	};

	fprintf(out, "  %7s  ", "SHARE");
	if (printer.by_growth)
		fprintf(out, "%6s  ", "GROWTH");
	fprintf(out, "%6s  %7s  FROM\n", "HELD", "BLOCKS");
	if (stack_tree__each(stacks, view.tree_percent / 100, print_row, &printer))
		fputs("  out of memory: no tree\n", out);
}
