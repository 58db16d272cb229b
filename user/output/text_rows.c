// SPDX-License-Identifier: GPL-2.0
/*
 * The cells of the system's tables. "?" is unknown, and "-" is not known yet: a process whose
 * memory is still in use has nothing reclaimed.
 */
#include "output/text_rows.h"

#include "output/text_columns.h"
#include "output/text_lines.h"

#define COMM_WIDTH 15
#define HELD_WIDTH 8 /* ">=", five places, "+" */
#define BLOCKS_WIDTH 7
#define NR_OF(array) (sizeof(array) / sizeof((array)[0]))

static struct unit_text copy_text(const char *text)
{
	struct unit_text copy;

	snprintf(copy.text, sizeof(copy.text), "%s", text ? text : "?");
	return copy;
}

static struct unit_text say_pid(pid_t pid)
{
	struct unit_text text;

	snprintf(text.text, sizeof(text.text), "%d", pid);
	return text;
}

/* The mark has a place of its own, so that figures with and without it line up. */
static struct unit_text say_held(uint64_t bytes, bool at_least, bool late_attach)
{
	struct unit_text text;

	snprintf(text.text, sizeof(text.text), "%s%.16s%s", at_least ? ">=" : "",
		 text_units__short_size(text_units__to_figure(bytes)).text,
		 late_attach ? "+" : " ");
	return text;
}

/* The exact number if it fits. */
static struct unit_text say_blocks(uint64_t blocks, bool at_least)
{
	struct unit_text text;
	int length = snprintf(text.text, sizeof(text.text), "%s%.32s", at_least ? ">=" : "",
			      text_units__count(blocks).text);

	if (length <= BLOCKS_WIDTH)
		return text;
	snprintf(text.text, sizeof(text.text), "%s%.16s", at_least ? ">=" : "",
		 text_units__short_count(blocks).text);
	return text;
}

static struct unit_text time_cell(const void *row)
{
	const struct process_report *process = row;

	return text_units__time(&process->time, false);
}

static struct unit_text pid_cell(const void *row)
{
	const struct process_report *process = row;

	return say_pid(process->pid);
}

static struct unit_text comm_cell(const void *row)
{
	const struct process_report *process = row;

	return copy_text(process->comm);
}

static struct unit_text end_cell(const void *row)
{
	const struct report_end *end = &((const struct process_report *)row)->end;
	struct unit_text text = { "?" };

	if (!end->memory_gone)
		return copy_text("alive?");
	switch (end->kind) {
	case END_EXITED:
		snprintf(text.text, sizeof(text.text), "exit %d", end->code);
		break;
	case END_SIGNALLED:
		snprintf(text.text, sizeof(text.text), "%.32s%s",
			 text_units__signal_name(end->signal).text,
			 end->core_dumped ? "+core" : "");
		break;
	case END_OOM:
		return copy_text("OOM");
	case END_EXEC:
		return copy_text("exec");
	case END_UNKNOWN:
		break;
	}
	return text;
}

static struct unit_text held_cell(const void *row)
{
	const struct process_report *process = row;

	if (!process->has_allocator)
		return copy_text("? ");
	return say_held(process->held_bytes, text_lines__sums_affected(&process->lost),
			process->late_attach);
}

static struct unit_text blocks_cell(const void *row)
{
	const struct process_report *process = row;

	if (!process->has_allocator)
		return copy_text("?");
	return say_blocks(process->held_blocks, text_lines__sums_affected(&process->lost));
}

static struct unit_text size_cell(const struct process_report *process, figure bytes)
{
	return process->end.memory_gone ? text_units__short_size(bytes) : copy_text("-");
}

static struct unit_text reclaimed_cell(const void *row)
{
	const struct process_report *process = row;

	return size_cell(process, process->reclaimed.freed_page_bytes);
}

static struct unit_text anon_cell(const void *row)
{
	const struct process_report *process = row;

	return size_cell(process, process->reclaimed.rss_anon_bytes);
}

static struct unit_text file_cell(const void *row)
{
	const struct process_report *process = row;

	return size_cell(process, process->reclaimed.rss_file_bytes);
}

static struct unit_text shmem_cell(const void *row)
{
	const struct process_report *process = row;

	return size_cell(process, process->reclaimed.rss_shmem_bytes);
}

static struct unit_text swap_cell(const void *row)
{
	const struct process_report *process = row;

	return size_cell(process, process->reclaimed.swap_bytes);
}

static struct unit_text page_tables_cell(const void *row)
{
	const struct process_report *process = row;

	return size_cell(process, process->reclaimed.page_table_bytes);
}

static struct unit_text verified_cell(const void *row)
{
	static const char *const words[] = {
		[VERDICT_UNKNOWN] = "?", [VERDICT_TRUE] = "yes", [VERDICT_FALSE] = "no"
	};
	const struct process_report *process = row;

	return copy_text(process->end.memory_gone ? words[process->verified] : "-");
}

/* 80 columns have room for all up to RECLAIMED, and VERIFIED. */
static const struct text_column exit_columns[] = {
	{ "TIME", 8, 0, 6, false, time_cell },
	{ "PID", 7, 0, 13, true, pid_cell },
	{ "COMM", COMM_WIDTH, 12, 12, false, comm_cell },
	{ "END", 12, 0, 11, false, end_cell },
	{ "HELD", HELD_WIDTH, 0, 10, true, held_cell },
	{ "BLOCKS", BLOCKS_WIDTH, 0, 7, true, blocks_cell },
	{ "RECLAIMED", 9, 0, 8, true, reclaimed_cell },
	{ "ANON", 5, 0, 5, true, anon_cell },
	{ "FILE", 5, 0, 3, true, file_cell },
	{ "SHMEM", 5, 0, 2, true, shmem_cell },
	{ "SWAP", 5, 0, 4, true, swap_cell },
	{ "PGTABLES", 8, 0, 1, true, page_tables_cell },
	{ "VERIFIED", 8, 0, 9, false, verified_cell },
};

static const struct text_table exit_table = { exit_columns, NR_OF(exit_columns) };

void text_rows__print_heads(FILE *out, unsigned int terminal_columns)
{
	text_columns__print_heads(out, &exit_table, terminal_columns);
	fputc('\n', out);
}

void text_rows__print_exit(FILE *out, const struct process_report *process,
			   unsigned int terminal_columns)
{
	text_columns__print_row(out, &exit_table, terminal_columns, process);
	fputc('\n', out);
}

static struct unit_text ranked_pid_cell(const void *row)
{
	const struct ranking_row *ranked = row;

	return say_pid(ranked->pid);
}

static struct unit_text ranked_comm_cell(const void *row)
{
	const struct ranking_row *ranked = row;

	return copy_text(ranked->comm);
}

static struct unit_text ranked_held_cell(const void *row)
{
	const struct ranking_row *ranked = row;

	return say_held(ranked->held_bytes, ranked->at_least, ranked->late_attach);
}

static struct unit_text ranked_blocks_cell(const void *row)
{
	const struct ranking_row *ranked = row;

	return say_blocks(ranked->held_blocks, ranked->at_least);
}

static struct unit_text growth_cell(const void *row)
{
	const struct ranking_row *ranked = row;
	/*
	 * Growth is never unknown: the value that means so elsewhere is the largest possible fall
	 * here.
	 */
	int64_t growth = ranked->growth_bytes == INT64_MIN ? -INT64_MAX : ranked->growth_bytes;
	struct unit_text text;

	snprintf(text.text, sizeof(text.text), "%s%.16s", growth > 0 ? "+" : "",
		 text_units__short_size(growth).text);
	return text;
}

static const struct text_column ranking_columns[] = {
	{ "PID", 7, 0, 5, true, ranked_pid_cell },
	{ "COMM", COMM_WIDTH, 0, 4, false, ranked_comm_cell },
	{ "HELD", HELD_WIDTH, 0, 3, true, ranked_held_cell },
	{ "BLOCKS", BLOCKS_WIDTH, 0, 2, true, ranked_blocks_cell },
	{ "GROWTH", 7, 0, 1, true, growth_cell },
};

static const struct text_table ranking_table = { ranking_columns, NR_OF(ranking_columns) };

void text_rows__print_ranking(FILE *out, const struct ranking_report *ranking,
			      unsigned int terminal_columns)
{
	text_columns__print_heads(out, &ranking_table, terminal_columns);
	fputc('\n', out);
	for (size_t i = 0; i < ranking->nr_rows; i++) {
		text_columns__print_row(out, &ranking_table, terminal_columns, &ranking->rows[i]);
		fputc('\n', out);
	}
}
