// SPDX-License-Identifier: GPL-2.0
/*
 * See text_system.h. Called by output_text.c, which knows when the heads of the table are due.
 * text_rows prints the rows themselves.
 */
#include "output/text_system.h"

#include "output/leak_text.h"
#include "output/text_lines.h"
#include "output/text_rows.h"
#include "output/text_stacks.h"
#include "base/text_units.h"

void text_system__start(FILE *out, const struct start_report *start, bool verbose)
{
	if (verbose)
		text_lines__setup(out, start);
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
	if (start->leak_checked)
		fprintf(out,
			"leak checks, at each INTERVAL, SIGUSR1 and Ctrl-C: the %s that hold\n"
			"the most stand still for a moment, one after the other\n",
			text_units__nouns(start->leak_checked, "process").text);
	if (start->processes)
		fputs("a + after HELD: the process ran already; its earlier blocks are not counted\n",
		      out);
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

void text_system__exit(FILE *out, const struct process_report *process, struct text_view view)
{
	text_rows__print_exit(out, process, view.terminal_columns);
	if (view.verbose)
		print_details(out, process);
	text_lines__held_back(out, process);
	if (!process->end.memory_gone) {
		text_lines__memory_in_use(out);
	} else {
		if (process->verified != VERDICT_TRUE)
			text_lines__verdict(out, process);
		text_lines__kept(out, &process->stays);
	}
	leak_text__not_done(out, process);
	leak_text__print(out, process, view);
}

static void print_processes(FILE *out, const struct ranking_report *ranking,
			    unsigned int terminal_columns)
{
	bool any_late = false;

	for (size_t i = 0; i < ranking->nr_rows; i++)
		any_late |= ranking->rows[i].late_attach;
	if (ranking->nr_rows)
		text_rows__print_ranking(out, ranking, terminal_columns);
	text_lines__more(out, ranking->more_rows, "more process",
			 text_lines__before_sums(&ranking->lost), ranking->more_rows_bytes,
			 ranking->more_rows_blocks);
	if (any_late)
		fputs("  a + after HELD: the process ran already; its earlier blocks are not counted\n",
		      out);
}

void text_system__ranking(FILE *out, const struct ranking_report *ranking, struct text_view view)
{
	fprintf(out, "[%s] %s %s %s%s\n", text_units__time(&ranking->time, false).text,
		text_units__nouns(ranking->processes, "process").text,
		ranking->processes == 1 ? "holds" : "hold", text_lines__before_sums(&ranking->lost),
		text_units__held(ranking->held_bytes, ranking->held_blocks).text);
	text_lines__lost(out, &ranking->lost);
	print_processes(out, ranking, view.terminal_columns);
	if (!view.leaks_only)
		text_stacks__print_ranking(out, ranking, view);
	fputc('\n', out);
}
