// SPDX-License-Identifier: GPL-2.0
/*
 * The whole system as text: a row of columns for each process that ends, below it only what a
 * reader must know of it; at an interval a ranking; at the end the sums. What is said of one
 * process at length is output_text's.
 */
#include "output/output.h"
#include "output/text_lines.h"
#include "output/text_rows.h"
#include "output/text_stacks.h"
#include "output/text_total.h"
#include "base/text_units.h"

static void system_start(FILE *out, const struct start_report *start)
{
	text_lines__degraded(out, start);
	fprintf(out, "tracing %s and all that start: ",
		text_units__nouns(start->processes, "process").text);
	if (start->allocator_functions)
		fprintf(out, "%s in %s",
			text_units__nouns(start->allocator_functions, "allocator function").text,
			text_units__nouns(start->allocator_files, "file").text);
	else
		fputs("no allocator found yet", out);
	fputs("; Ctrl-C ends with a total\n", out);
	if (start->processes)
		fputs("a + behind HELD: it ran before, and earlier blocks are not counted\n", out);
	text_rows__print_heads(out, start->terminal_columns);
}

static void system_start_verbose(FILE *out, const struct start_report *start)
{
	text_lines__setup(out, start);
	system_start(out, start);
}

static void print_details(FILE *out, const struct process_report *process)
{
	if (process->exe)
		text_lines__string(out, "executable", process->exe);
	if (process->end.kind == END_EXEC && process->end.exec_to)
		text_lines__string(out, "became", process->end.exec_to);
	text_lines__label(out, "held at the end");
	text_lines__held(out, process);
	fputc('\n', out);
	text_lines__inherited(out, process);
	text_lines__lost(out, &process->lost);
}

static void write_exit(FILE *out, const struct process_report *process, bool verbose)
{
	if (process->new_width)
		text_rows__print_heads(out, process->terminal_columns);
	text_rows__print_exit(out, process);
	if (verbose)
		print_details(out, process);
	if (!process->end.memory_gone) {
		text_lines__memory_in_use(out);
	} else {
		if (process->verified != VERDICT_TRUE)
			text_lines__verdict(out, process);
		text_lines__kept(out, &process->stays);
	}
	text_stacks__print(out, process, verbose);
}

static void system_exit(FILE *out, const struct process_report *process)
{
	write_exit(out, process, false);
}

static void system_exit_verbose(FILE *out, const struct process_report *process)
{
	write_exit(out, process, true);
}

static void print_processes(FILE *out, const struct ranking_report *ranking)
{
	bool any_late = false;

	for (size_t i = 0; i < ranking->nr_rows; i++)
		any_late |= ranking->rows[i].late_attach;
	if (ranking->nr_rows)
		text_rows__print_ranking(out, ranking);
	text_lines__more(out, ranking->more_rows, "more process",
			 text_lines__before_sums(&ranking->lost), ranking->more_rows_bytes,
			 ranking->more_rows_blocks);
	if (any_late)
		fputs("  a + behind HELD: it ran before, and earlier blocks are not counted\n",
		      out);
}

static void write_ranking(FILE *out, const struct ranking_report *ranking, bool verbose)
{
	fprintf(out, "[%s] %s %s %s%s\n", text_units__time(&ranking->time, false).text,
		text_units__nouns(ranking->processes, "process").text,
		ranking->processes == 1 ? "holds" : "hold", text_lines__before_sums(&ranking->lost),
		text_units__held(ranking->held_bytes, ranking->held_blocks).text);
	text_lines__lost(out, &ranking->lost);
	print_processes(out, ranking);
	text_stacks__print_ranking(out, ranking, verbose);
	fputc('\n', out);
}

static void system_ranking(FILE *out, const struct ranking_report *ranking)
{
	write_ranking(out, ranking, false);
}

static void system_ranking_verbose(FILE *out, const struct ranking_report *ranking)
{
	write_ranking(out, ranking, true);
}

static void system_outstanding(FILE *out, const struct process_report *process)
{
	output_text.outstanding(out, process);
}

static void system_outstanding_verbose(FILE *out, const struct process_report *process)
{
	output_text_verbose.outstanding(out, process);
}

static void system_trace(FILE *out, const struct trace_report *event)
{
	output_text.trace(out, event);
}

static void system_total(FILE *out, const struct total_report *total)
{
	text_total__print(out, total, false);
}

static void system_total_verbose(FILE *out, const struct total_report *total)
{
	text_total__print(out, total, true);
}

const struct output_format output_text_system = {
	.name = "text-system",
	.for_people = true,
	.start = system_start,
	.process_exit = system_exit,
	.outstanding = system_outstanding,
	.ranking = system_ranking,
	.trace = system_trace,
	.total = system_total,
};

const struct output_format output_text_system_verbose = {
	.name = "text-system-verbose",
	.for_people = true,
	.start = system_start_verbose,
	.process_exit = system_exit_verbose,
	.outstanding = system_outstanding_verbose,
	.ranking = system_ranking_verbose,
	.trace = system_trace,
	.total = system_total_verbose,
};
