// SPDX-License-Identifier: GPL-2.0
/*
 * Reports as text for people. Each line says one thing behind a label; what is not known is said
 * to be unknown, and what was not freed is "held" or "outstanding", since only a reachability scan
 * can tell that it is lost.
 */
#include <inttypes.h>
#include <string.h>

#include "output.h"
#include "sanitize_text.h"
#include "text_stacks.h"
#include "text_units.h"

#define MIB (1024 * 1024)

static void print_label(FILE *out, const char *label)
{
	fprintf(out, "  %-17s  ", label);
}

static void print_time(FILE *out, const struct timespec *time, bool with_microseconds)
{
	struct tm local = { 0 };

	localtime_r(&time->tv_sec, &local);
	fprintf(out, "%02d:%02d:%02d", local.tm_hour, local.tm_min, local.tm_sec);
	if (with_microseconds)
		fprintf(out, ".%06ld", time->tv_nsec / 1000);
}

/* What precedes figures that a loss may have made too small. */
static const char *at_least(bool affected)
{
	return affected ? "at least " : "";
}

/* A loss of stacks moves blocks to the row without a stack and leaves the sums right. */
static bool sums_are_affected(const struct report_lost *lost)
{
	return lost->events || lost->blocks;
}

static void print_lost(FILE *out, const struct report_lost *lost)
{
	const struct {
		uint64_t number;
		const char *noun, *why;
	} kinds[] = {
		{ lost->events, "allocator call", "whose outcome was missed" },
		{ lost->blocks, "block", "for which there was no room (see --max-blocks)" },
		{ lost->stacks, "block", "recorded without a stack (see --max-stacks)" },
	};
	const char *label = "lost";

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!kinds[i].number)
			continue;
		print_label(out, label);
		fprintf(out, "%s %s\n", text_units__nouns(kinds[i].number, kinds[i].noun).text,
			kinds[i].why);
		label = "";
	}
}

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

static void print_held(FILE *out, const struct process_report *process)
{
	const char *prefix = at_least(sums_are_affected(&process->lost));

	if (!process->has_allocator) {
		fputs("unknown: no allocator found", out);
		return;
	}
	fprintf(out, "%s%s in %s", prefix, text_units__nouns(process->held_bytes, "byte").text,
		text_units__nouns(process->held_blocks, "block").text);
}

static void print_inherited(FILE *out, const struct process_report *process)
{
	if (!process->inherited_from || !process->has_allocator)
		return;
	print_label(out, "inherited");
	fprintf(out, "%s in %s from PID %d at the fork; freed since: %s\n",
		text_units__nouns((uint64_t)process->inherited_bytes, "byte").text,
		text_units__nouns(process->inherited_blocks, "block").text, process->inherited_from,
		text_units__nouns(process->inherited_freed_blocks, "block").text);
}

static void print_heap_usage(FILE *out, const struct process_report *process, bool verbose)
{
	const char *prefix = at_least(sums_are_affected(&process->lost));

	if (!process->has_allocator)
		return;
	print_label(out, "heap usage");
	fprintf(out, "%s%s, %s%s, %s%s allocated", prefix,
		text_units__nouns(process->allocated_blocks, "allocation").text, prefix,
		text_units__nouns(process->freed_blocks, "free").text, prefix,
		text_units__nouns(process->allocated_bytes, "byte").text);
	if (verbose)
		fprintf(out, ", %s%s freed", prefix,
			text_units__nouns(process->freed_bytes, "byte").text);
	fputc('\n', out);
	if (process->failed) {
		print_label(out, "");
		fprintf(out, "%s failed\n", text_units__nouns(process->failed, "allocation").text);
	}
	/* With -z or -Z most of these are frees of blocks that were filtered out. */
	if (process->unknown_frees && !process->filtered) {
		print_label(out, "");
		fprintf(out, "%s of blocks that were not recorded\n",
			text_units__nouns(process->unknown_frees, "free").text);
	}
	if (process->peak_bytes != FIGURE_UNKNOWN) {
		print_label(out, "peak");
		fprintf(out, "%s%s\n", prefix, text_units__size(process->peak_bytes).text);
	}
}

/* Why the figures above are not the whole truth. */
static void print_limits(FILE *out, const struct process_report *process)
{
	if (process->late_attach) {
		print_label(out, "late attach");
		fputs("blocks from before the attach are not counted\n", out);
	}
	if (process->filtered) {
		print_label(out, "filtered");
		fputs("blocks outside the sizes of -z and -Z are not counted\n", out);
	}
	if (process->min_age_s > 0) {
		print_label(out, "stacks below");
		fprintf(out, "only of blocks at least %s old\n",
			text_units__duration(process->min_age_s).text);
	}
	print_lost(out, &process->lost);
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

	print_label(out, "");
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

	print_label(out, "kernel reclaimed");
	if (reclaimed->freed_page_bytes == FIGURE_UNKNOWN)
		fputs("unknown: page frames were not counted", out);
	else
		fprintf(out, "%s of pages", text_units__size(reclaimed->freed_page_bytes).text);
	if (process->freed_frames != FIGURE_UNKNOWN)
		fprintf(out, " (%s)", text_units__nouns(process->freed_frames, "page frame").text);
	fputc('\n', out);

	print_resident(out, reclaimed);
	print_label(out, "");
	fprintf(out, "swapped %s; page tables %s", text_units__size(reclaimed->swap_bytes).text,
		text_units__size(reclaimed->page_table_bytes).text);
	if (verbose || reclaimed->hugetlb_bytes > 0)
		fprintf(out, "; huge pages %s", text_units__size(reclaimed->hugetlb_bytes).text);
	if (verbose)
		fprintf(out, "; virtual %s", text_units__size(reclaimed->virtual_bytes).text);
	fputc('\n', out);
}

static void print_verdict(FILE *out, const struct process_report *process)
{
	static const struct {
		const char *label, *default_why;
	} verdicts[] = {
		[VERDICT_UNKNOWN] = { "unverified", "no reason recorded" },
		[VERDICT_TRUE] = { "verified", "the address space's counters are zero" },
		[VERDICT_FALSE] = { "NOT reclaimed", "no reason recorded" },
	};

	print_label(out, verdicts[process->verified].label);
	sanitize_text__print(out, process->verified_why[0] ?
					  process->verified_why :
					  verdicts[process->verified].default_why);
	fputc('\n', out);
}

static void print_stays(FILE *out, const struct report_stays *stays)
{
	const struct {
		figure bytes;
		const char *what, *why;
	} parts[] = {
		{ stays->page_cache_bytes, "file pages", ", in the page cache (reclaimable)" },
		{ stays->shared_bytes, "anonymous memory", ", shared with a living process" },
		{ stays->shmem_bytes, "shared memory", "" },
	};
	size_t nr_parts = sizeof(parts) / sizeof(parts[0]), nr_unknown = 0;
	const char *label = "stays";

	for (size_t i = 0; i < nr_parts; i++)
		nr_unknown += parts[i].bytes == FIGURE_UNKNOWN;
	for (size_t i = 0; i < nr_parts && nr_unknown < nr_parts; i++) {
		if (parts[i].bytes == 0)
			continue;
		print_label(out, label);
		if (parts[i].bytes == FIGURE_UNKNOWN)
			fprintf(out, "%s: unknown\n", parts[i].what);
		else
			fprintf(out, "%s of %s%s\n", text_units__size(parts[i].bytes).text,
				parts[i].what, parts[i].why);
		label = "";
	}
	if (*label) {
		print_label(out, label);
		fputs(nr_unknown ? "unknown\n" : "nothing\n", out);
	}
}

static void print_identity(FILE *out, const struct process_report *process)
{
	if (process->exe) {
		print_label(out, "executable");
		sanitize_text__print(out, process->exe);
		fputc('\n', out);
	}
	if (process->cgroup) {
		print_label(out, "cgroup");
		sanitize_text__print(out, process->cgroup);
		fputc('\n', out);
	}
	print_label(out, "user ID");
	fprintf(out, "%u\n", process->uid);
	if (process->ppid) {
		print_label(out, "parent PID");
		fprintf(out, "%d\n", process->ppid);
	}
}

static void print_rows(FILE *out, const struct process_report *process, bool verbose)
{
	const struct report_lost *lost = &process->lost;

	text_stacks__print(out, process, at_least(sums_are_affected(lost) || lost->stacks),
			   verbose);
	fputc('\n', out);
}

static void write_exit(FILE *out, const struct process_report *process, bool verbose)
{
	print_process(out, process);
	print_end(out, &process->end);
	if (process->run_s >= 0)
		fprintf(out, " after %s", text_units__duration(process->run_s).text);
	fputc('\n', out);
	if (verbose) {
		print_label(out, "time");
		print_time(out, &process->time, true);
		fputc('\n', out);
		print_identity(out, process);
	}
	print_label(out, "held at the end");
	print_held(out, process);
	fputc('\n', out);
	print_inherited(out, process);
	print_heap_usage(out, process, verbose);
	print_limits(out, process);
	if (!process->end.memory_gone) {
		print_label(out, "memory");
		fputs("the process is gone, its memory not yet: something else still uses it\n",
		      out);
	} else {
		print_reclaimed(out, process, verbose);
		print_verdict(out, process);
		print_stays(out, &process->stays);
	}
	print_rows(out, process, verbose);
}

static void write_outstanding(FILE *out, const struct process_report *process, bool verbose)
{
	fputc('[', out);
	print_time(out, &process->time, false);
	fputs("] ", out);
	print_process(out, process);
	fputs(": outstanding ", out);
	print_held(out, process);
	fputc('\n', out);
	if (verbose) {
		print_identity(out, process);
		print_inherited(out, process);
		print_heap_usage(out, process, verbose);
	}
	print_limits(out, process);
	print_rows(out, process, verbose);
}

static void text_start(FILE *out, const struct start_report *start)
{
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

static void text_start_verbose(FILE *out, const struct start_report *start)
{
	fprintf(out, "memleak-bpf %s, Linux ", start->version);
	sanitize_text__print(out, start->kernel);
	fprintf(out, ", mode %s: %s in %s; exits seen by %s, calls by uprobes (%s)\n", start->mode,
		text_units__nouns(start->allocator_functions, "allocator function").text,
		text_units__nouns(start->allocator_files, "file").text, start->exit_hook,
		start->uprobe);
	text_start(out, start);
}

static void text_exit(FILE *out, const struct process_report *process)
{
	write_exit(out, process, false);
}

static void text_exit_verbose(FILE *out, const struct process_report *process)
{
	write_exit(out, process, true);
}

static void text_outstanding(FILE *out, const struct process_report *process)
{
	write_outstanding(out, process, false);
}

static void text_outstanding_verbose(FILE *out, const struct process_report *process)
{
	write_outstanding(out, process, true);
}

static void text_trace(FILE *out, const struct trace_report *event)
{
	size_t columns;

	print_time(out, &event->time, true);
	fputc(' ', out);
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

/* Said when it explains a change that the table shows. */
static void print_per_cpu_lists(FILE *out, const struct total_report *total)
{
	figure before = total->before.per_cpu_lists_bytes, after = total->after.per_cpu_lists_bytes;

	if (before == FIGURE_UNKNOWN || after == FIGURE_UNKNOWN || after - before < MIB)
		return;
	fprintf(out, "  of used, %s are free pages that CPUs keep at hand, %s more than before\n",
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
	/* Of the figures shown, so that the column adds up. */
	fprintf(out, "  %-17s", "change");
	for (int i = 0; i < 5; i++)
		fprintf(out, " %+11" PRId64, after[i] - before[i]);
	fputc('\n', out);
	print_per_cpu_lists(out, total);
	fputs("  buff/cache is borrowed: the kernel gives it back when programs need it;"
	      " available counts it\n",
	      out);
}

static void text_total(FILE *out, const struct total_report *total)
{
	const char *prefix = at_least(sums_are_affected(&total->lost));
	const char *noun = total->processes == 1 ? "process" : "processes";
	figure reclaimed = total->reclaimed_bytes < INT64_MAX ? (figure)total->reclaimed_bytes :
								INT64_MAX;

	fprintf(out, "total: %s %s ended\n", text_units__count(total->processes).text, noun);
	print_label(out, "held at the end");
	fprintf(out, "%s%s\n", prefix, text_units__nouns(total->held_bytes, "byte").text);
	print_label(out, "kernel reclaimed");
	fprintf(out, "%s\n", text_units__size(reclaimed).text);
	print_lost(out, &total->lost);
	if (total->has_memory)
		print_memory(out, total);
}

const struct output_format output_text = {
	.name = "text",
	.start = text_start,
	.process_exit = text_exit,
	.outstanding = text_outstanding,
	.trace = text_trace,
	.total = text_total,
};

const struct output_format output_text_verbose = {
	.name = "text-verbose",
	.start = text_start_verbose,
	.process_exit = text_exit_verbose,
	.outstanding = text_outstanding_verbose,
	.trace = text_trace,
	.total = text_total,
};
