// SPDX-License-Identifier: GPL-2.0
/*
 * See text_process.h. Called by output_text.c. Each line says one thing after a label, and unknown
 * figures are said to be unknown. Blocks that were not freed are "held" or "outstanding", since
 * only a reachability scan can tell that they are lost.
 */
#include "output/text_process.h"

#include "base/sanitize_text.h"
#include "base/text_units.h"
#include "output/leak_text.h"
#include "output/text_growth.h"
#include "output/text_lines.h"

static void print_process(FILE *out, const struct process_report *process)
{
	fprintf(out, "PID %d ", process->pid);
	if (process->pid_in_namespace && process->pid_in_namespace != process->pid)
		fprintf(out, "(%d in its namespace) ", process->pid_in_namespace);
	sanitize_text__print(out, process->comm);
}

static void print_end(FILE *out, const struct report_end *end)
{
	switch (end->kind) {
	case END_EXITED:
		fprintf(out, " ended: exit status %d", end->code);
		break;
	case END_SIGNALLED:
		fprintf(out, " ended: killed by %s%s", text_units__signal(end->signal).text,
			end->core_dumped ? ", core dumped" : "");
		break;
	case END_OOM:
		fprintf(out, " ended: killed by the OOM killer with %s",
			text_units__signal(end->signal).text);
		break;
	case END_EXEC:
		fputs(" became ", out);
		sanitize_text__print(out, end->exec_to ? end->exec_to : "another program");
		break;
	case END_UNKNOWN:
		fputs(" ended in a way that was not seen", out);
		break;
	}
}

static void print_heap_usage(FILE *out, const struct process_report *process, bool verbose)
{
	const char *prefix = text_lines__before_sums(&process->lost);

	if (!process->has_allocator)
		return;
	text_lines__label(out, "heap usage");
	fprintf(out, "%s%s, %s%s, %s%s allocated", prefix,
		text_units__nouns(process->allocated_blocks, "allocation").text, prefix,
		text_units__nouns(process->freed_blocks, "free").text, prefix,
		text_units__nouns(process->allocated_bytes, "byte").text);
	if (verbose)
		fprintf(out, ", %s%s freed", prefix,
			text_units__nouns(process->freed_bytes, "byte").text);
	fputc('\n', out);
	if (process->failed) {
		text_lines__label(out, "");
		fprintf(out, "%s failed\n", text_units__nouns(process->failed, "allocation").text);
	}
	/* With -z or -Z most of these are frees of blocks that were filtered out. */
	if (process->unknown_frees && !process->filtered) {
		text_lines__label(out, "");
		fprintf(out, "%s of blocks that were not recorded\n",
			text_units__nouns(process->unknown_frees, "free").text);
	}
	if (process->peak_bytes != FIGURE_UNKNOWN) {
		text_lines__label(out, "peak");
		fprintf(out, "%s%s\n", prefix, text_units__size(process->peak_bytes).text);
	}
}

/*
 * Held new blocks say little about a process that frees as many old ones: the difference tells
 * whether it grows. It is a number of blocks, since the bytes of the old ones are not known.
 */
static void print_growth(FILE *out, const struct process_report *process)
{
	uint64_t held = process->held_blocks, freed = process->unknown_frees;
	bool fewer = held < freed;

	if (!process->has_allocator || !freed || process->filtered || process->inherited_from ||
	    text_lines__sums_affected(&process->lost))
		return;
	text_lines__label(out, "");
	fprintf(out, "less %s of blocks that were not recorded,",
		text_units__nouns(freed, "free").text);
	if (held == freed)
		fputs(" as many blocks as at the attach\n", out);
	else
		fprintf(out, " %s %s than at the attach\n",
			text_units__nouns(fewer ? freed - held : held - freed, "block").text,
			fewer ? "fewer" : "more");
}

/* Prints why the figures above are not the whole truth. */
static void print_limits(FILE *out, const struct process_report *process)
{
	if (process->unexplained_bytes > 0) {
		text_lines__label(out, "not explained");
		fprintf(out, "at least %s of memory that no probed function gave\n",
			text_units__size(process->unexplained_bytes).text);
	}
	if (process->late_attach) {
		text_lines__label(out, "late attach");
		fputs("blocks from before the attach are not counted\n", out);
		print_growth(out, process);
	}
	if (process->filtered) {
		text_lines__label(out, "filtered");
		fputs("blocks outside the sizes of -z and -Z are not counted\n", out);
	}
	if (process->min_age_s > 0) {
		text_lines__label(out, "stacks below");
		fprintf(out, "only of blocks at least %s old\n",
			text_units__duration(process->min_age_s).text);
	}
	text_lines__lost(out, &process->lost);
	leak_text__not_done(out, process);
}

static figure sum_figures(figure a, figure b)
{
	figure sum;

	if (a == FIGURE_UNKNOWN || b == FIGURE_UNKNOWN || __builtin_add_overflow(a, b, &sum))
		return FIGURE_UNKNOWN;
	return sum;
}

static void print_resident(FILE *out, const struct report_reclaimed *reclaimed)
{
	figure anon = reclaimed->rss_anon_bytes, file = reclaimed->rss_file_bytes;
	figure shmem = reclaimed->rss_shmem_bytes;
	figure sum = sum_figures(sum_figures(anon, file), shmem);

	text_lines__label(out, "");
	fprintf(out, "resident %s", text_units__size(sum).text);
	if (anon != FIGURE_UNKNOWN || file != FIGURE_UNKNOWN || shmem != FIGURE_UNKNOWN)
		fprintf(out, " = %s anonymous + %s file + %s shared memory",
			text_units__size(anon).text, text_units__size(file).text,
			text_units__size(shmem).text);
	fputc('\n', out);
}

static void print_reclaimed(FILE *out, const struct process_report *process, bool verbose)
{
	const struct report_reclaimed *reclaimed = &process->reclaimed;

	text_lines__label(out, "kernel reclaimed");
	if (reclaimed->freed_page_bytes == FIGURE_UNKNOWN)
		fputs("unknown: page frames were not counted", out);
	else
		fprintf(out, "%s of pages", text_units__size(reclaimed->freed_page_bytes).text);
	if (process->freed_frames != FIGURE_UNKNOWN)
		fprintf(out, " (%s)", text_units__nouns(process->freed_frames, "page frame").text);
	fputc('\n', out);

	print_resident(out, reclaimed);
	text_lines__label(out, "");
	fprintf(out, "swapped %s; page tables %s", text_units__size(reclaimed->swap_bytes).text,
		text_units__size(reclaimed->page_table_bytes).text);
	if (verbose || reclaimed->hugetlb_bytes > 0)
		fprintf(out, "; huge pages %s", text_units__size(reclaimed->hugetlb_bytes).text);
	if (verbose)
		fprintf(out, "; virtual %s", text_units__size(reclaimed->virtual_bytes).text);
	fputc('\n', out);
}

static void print_identity(FILE *out, const struct process_report *process)
{
	if (process->exe)
		text_lines__string(out, "executable", process->exe);
	if (process->cgroup)
		text_lines__string(out, "cgroup", process->cgroup);
	text_lines__label(out, "user ID");
	fprintf(out, "%u\n", process->uid);
	if (process->ppid) {
		text_lines__label(out, "parent PID");
		fprintf(out, "%d\n", process->ppid);
	}
}

void text_process__exit(FILE *out, const struct process_report *process, struct text_view view)
{
	print_process(out, process);
	print_end(out, &process->end);
	if (process->run_s >= 0)
		fprintf(out, " after %s", text_units__duration(process->run_s).text);
	fputc('\n', out);
	if (view.verbose) {
		text_lines__string(out, "time", text_units__time(&process->time, true).text);
		print_identity(out, process);
	}
	text_lines__label(out, "held at the end");
	text_lines__held(out, process);
	fputc('\n', out);
	text_lines__inherited(out, process);
	print_heap_usage(out, process, view.verbose);
	text_lines__held_back(out, process);
	print_limits(out, process);
	if (!process->end.memory_gone) {
		text_lines__memory_in_use(out);
	} else {
		print_reclaimed(out, process, view.verbose);
		text_lines__verdict(out, process);
		text_lines__stays(out, &process->stays);
	}
	leak_text__print(out, process, view);
	fputc('\n', out);
}

void text_process__outstanding(FILE *out, const struct process_report *process,
			       struct text_view view)
{
	fprintf(out, "[%s] ", text_units__time(&process->time, false).text);
	print_process(out, process);
	if (view.leaks_only && leak_text__nothing_lost(process)) {
		fputs(": ", out);
		text_lines__held(out, process);
		fprintf(out, ", %s\n", leak_text__nothing_lost(process));
		return;
	}
	fputs(": outstanding ", out);
	text_lines__held(out, process);
	text_growth__of_process(out, process);
	fputc('\n', out);
	if (view.verbose) {
		print_identity(out, process);
		text_lines__inherited(out, process);
		print_heap_usage(out, process, view.verbose);
	}
	text_growth__resident(out, process);
	print_limits(out, process);
	leak_text__print(out, process, view);
	fputc('\n', out);
}
