// SPDX-License-Identifier: GPL-2.0
/*
 * Reports as text for people: one process at length (text_process), or a row of columns for each
 * process of the system (text_system).
 */
#include <inttypes.h>
#include <string.h>

#include "base/sanitize_text.h"
#include "base/text_units.h"
#include "output/output.h"
#include "output/text_lines.h"
#include "output/text_process.h"
#include "output/text_rows.h"
#include "output/text_system.h"
#include "output/text_total.h"
#include "output/text_view.h"

struct text_state {
	struct output_settings settings;
	unsigned int heads_columns; /* of the terminal when the table's heads were last written */
};

static void begin(void *state, FILE *out, const struct output_settings *settings)
{
	struct text_state *text = state;

	(void)out;
	text->settings = *settings;
}

static void print_start(FILE *out, const struct start_report *start, bool verbose)
{
	if (verbose)
		text_lines__setup(out, start);
	text_lines__degraded(out, start);
	/* A command's own output follows; its report comes at its end and needs no preface. */
	if (strcmp(start->mode, "command") == 0)
		return;
	if (!start->allocator_functions)
		fputs("no allocator found: ends are reported, what is held stays unknown\n", out);
	else
		fprintf(out, "tracing %s in %s; Ctrl-C ends with a report\n",
			text_units__nouns(start->allocator_functions, "allocator function").text,
			text_units__nouns(start->allocator_files, "file").text);
}

static void print_trace(FILE *out, const struct trace_report *event)
{
	size_t columns;

	fprintf(out, "%s ", text_units__time(&event->time, true).text);
	columns = sanitize_text__print(out, event->comm);
	fprintf(out, "%*s %d/%d  %-5s %-14s 0x%012" PRIx64, columns < 15 ? 15 - (int)columns : 0,
		"", event->pid, event->tid, event->is_free ? "free" : "alloc", event->function,
		event->address);
	if (event->size_bytes == UINT64_MAX)
		fputs("  size unknown", out);
	else
		fprintf(out, "  %s", text_units__nouns(event->size_bytes, "byte").text);
	fputc('\n', out);
}

static void report_start(struct text_state *text, FILE *out, const struct start_report *start,
			 struct text_view view)
{
	if (!text->settings.system_wide)
		return print_start(out, start, view.verbose);
	text_system__start(out, start, view.verbose);
	text_rows__print_heads(out, view.terminal_columns);
	text->heads_columns = view.terminal_columns;
}

static void report_exit(struct text_state *text, FILE *out, const struct process_report *process,
			struct text_view view)
{
	if (!text->settings.system_wide)
		return text_process__exit(out, process, view);
	/* Rows of another width need heads of that width. */
	if (view.terminal_columns != text->heads_columns)
		text_rows__print_heads(out, view.terminal_columns);
	text->heads_columns = view.terminal_columns;
	text_system__exit(out, process, view);
}

static void report(void *state, FILE *out, const struct report *item)
{
	struct text_state *text = state;
	struct text_view view = {
		.verbose = text->settings.verbose,
		.leaks_only = text->settings.leaks_only,
		.suppressions = text->settings.suppressions,
		.tree_percent = text->settings.tree_percent,
		.terminal_columns = item->terminal_columns,
	};

	switch (item->kind) {
	case REPORT_START:
		return report_start(text, out, item->start, view);
	case REPORT_EXIT:
		return report_exit(text, out, item->process, view);
	case REPORT_OUTSTANDING:
		return text_process__outstanding(out, item->process, view);
	case REPORT_RANKING:
		return text_system__ranking(out, item->ranking, view);
	case REPORT_TRACE:
		return print_trace(out, item->trace);
	case REPORT_TOTAL:
		return text_total__print(out, item->total, view.verbose);
	}
}

const struct output_format output_text = {
	.name = "text",
	.suffix = ".txt",
	.for_people = true,
	.state_bytes = sizeof(struct text_state),
	.begin = begin,
	.report = report,
};
