// SPDX-License-Identifier: GPL-2.0
/*
 * The end of a run: sums over the processes that ended, the machine's memory before and after in
 * the words and units of free(1), and the tracer's own use.
 */
#include "output/text_total.h"

#include <inttypes.h>

#include "output/text_lines.h"
#include "base/text_units.h"

#define MIB (1024 * 1024)

static void print_memory_row(FILE *out, const char *when, const int64_t mib[5])
{
	fprintf(out, "  %-17s", when);
	for (int i = 0; i < 5; i++)
		fprintf(out, " %11" PRId64, mib[i]);
	fputc('\n', out);
}

static void fill_memory_row(int64_t mib[5], const struct memory_report *memory)
{
	const uint64_t bytes[5] = { memory->total_bytes, memory->used_bytes, memory->free_bytes,
				    memory->buff_cache_bytes, memory->available_bytes };

	/* Cut off, not rounded, as free(1) does. */
	for (int i = 0; i < 5; i++)
		mib[i] = (int64_t)(bytes[i] / MIB);
}

/* Prints the lists only when they explain a change that the table shows. */
static void print_per_cpu_lists(FILE *out, const struct total_report *total)
{
	figure before = total->before.per_cpu_lists_bytes, after = total->after.per_cpu_lists_bytes;

	if (before == FIGURE_UNKNOWN || after == FIGURE_UNKNOWN || after - before < MIB)
		return;
	fprintf(out,
		"  used includes %s of free pages that CPUs keep at hand, %s more than before\n",
		text_units__size(after).text, text_units__size(after - before).text);
}

static void print_memory(FILE *out, const struct total_report *total)
{
	static const char *const words[5] = { "total", "used", "free", "buff/cache", "available" };
	int64_t before[5], after[5];

	fill_memory_row(before, &total->before);
	fill_memory_row(after, &total->after);
	fprintf(out, "  %-17s", "memory in MiB");
	for (int i = 0; i < 5; i++)
		fprintf(out, " %11s", words[i]);
	fputc('\n', out);
	print_memory_row(out, "before", before);
	print_memory_row(out, "after", after);
	/* Computed from the figures shown, so that the column adds up. */
	fprintf(out, "  %-17s", "change");
	for (int i = 0; i < 5; i++)
		fprintf(out, " %+11" PRId64, after[i] - before[i]);
	fputc('\n', out);
	print_per_cpu_lists(out, total);
	fputs("  buff/cache is borrowed: the kernel gives it back when programs need it;"
	      " available counts it\n",
	      out);
}

static void print_fork_copies(FILE *out, const struct total_report *total, bool verbose)
{
	if (!total->fork_copies)
		return;
	text_lines__label(out, "fork copies");
	fprintf(out, "%s of these, which went on by exec%s\n",
		text_units__count(total->fork_copies).text, verbose ? "" : " (shown with -v)");
}

static void print_verdicts(FILE *out, const struct total_report *total)
{
	text_lines__label(out, "verified");
	fprintf(out, "%s of %s", text_units__count(total->verified).text,
		text_units__count(total->processes).text);
	if (total->unverified)
		fprintf(out, "; %s could not be checked",
			text_units__count(total->unverified).text);
	if (total->not_reclaimed)
		fprintf(out, "; %s NOT reclaimed", text_units__count(total->not_reclaimed).text);
	fputc('\n', out);
}

/* Both come from one system call: they are known together. */
static void print_cost(FILE *out, const struct total_report *total)
{
	if (total->tracer_cpu_s >= 0 && total->tracer_peak_bytes)
		fprintf(out, "  memleak-bpf itself used %s of CPU time and at most %s of memory\n",
			text_units__duration(total->tracer_cpu_s).text,
			text_units__size(text_units__to_figure(total->tracer_peak_bytes)).text);
}

static void print_sums(FILE *out, const struct total_report *total, bool verbose)
{
	if (total->system_wide)
		print_fork_copies(out, total, verbose);
	text_lines__label(out, "held at the end");
	fprintf(out, "%s%s\n", text_lines__before_sums(&total->lost),
		text_units__nouns(total->held_bytes, "byte").text);
	text_lines__label(out, "kernel reclaimed");
	fprintf(out, "%s\n", text_units__size(text_units__to_figure(total->reclaimed_bytes)).text);
	if (total->system_wide)
		print_verdicts(out, total);
}

void text_total__print(FILE *out, const struct total_report *total, bool verbose)
{
	fprintf(out, "total: %s ended\n", text_units__nouns(total->processes, "process").text);
	/* Outstanding blocks are held at no end: without an end there is nothing to sum up. */
	if (total->processes || total->system_wide)
		print_sums(out, total, verbose);
	text_lines__lost(out, &total->lost);
	if (total->has_memory)
		print_memory(out, total);
	print_cost(out, total);
}
