// SPDX-License-Identifier: GPL-2.0
/*
 * Facts as labelled lines. Unknown figures are said to be unknown; every string that a program may
 * have chosen goes through sanitize_text.
 */
#include "output/text_lines.h"

#include "base/sanitize_text.h"
#include "base/text_units.h"
#include "output/verdict_words.h"
#include "report/losses.h"

void text_lines__label(FILE *out, const char *label)
{
	fprintf(out, "  %-*s  ", TEXT_LINES_LABEL_COLUMNS - 4, label);
}

void text_lines__string(FILE *out, const char *label, const char *string)
{
	text_lines__label(out, label);
	sanitize_text__print(out, string);
	fputc('\n', out);
}

/* A loss of stacks moves blocks to the row without a stack and leaves the sums right. */
bool text_lines__sums_affected(const struct report_lost *lost)
{
	return losses__lessen_sums(lost);
}

const char *text_lines__before_sums(const struct report_lost *lost)
{
	return text_lines__sums_affected(lost) ? "at least " : "";
}

const char *text_lines__before_stacks(const struct report_lost *lost)
{
	return losses__sum(lost, LOSS_OF_STACKS) ? "at least " : text_lines__before_sums(lost);
}

void text_lines__held(FILE *out, const struct process_report *process)
{
	if (process->has_allocator)
		fprintf(out, "%s%s", text_lines__before_sums(&process->lost),
			text_units__held(process->held_bytes, process->held_blocks).text);
	else if (process->not_looked_at)
		fprintf(out, "unknown: not looked at: %s", process->not_looked_at);
	else if (process->uncalled)
		fputs("unknown: it called no function that is probed", out);
	else
		fputs("unknown: no allocator found", out);
}

void text_lines__setup(FILE *out, const struct start_report *start)
{
	fprintf(out, "memleak-bpf %s, Linux ", start->version);
	sanitize_text__print(out, start->kernel);
	fprintf(out, ", mode %s: %s in %s; exits seen by %s and %s, calls by uprobes (%s)\n",
		start->mode,
		text_units__nouns(start->allocator_functions, "allocator function").text,
		text_units__nouns(start->allocator_files, "file").text, start->exit_before,
		start->exit_after, start->uprobe);
}

void text_lines__degraded(FILE *out, const struct start_report *start)
{
	if (!start->degraded[0])
		return;
	fputs("on Linux ", out);
	sanitize_text__print(out, start->kernel);
	for (size_t i = 0; start->degraded[i]; i++)
		fprintf(out, "%s %s", i ? ";" : ":", start->degraded[i]);
	fputc('\n', out);
}

void text_lines__lost(FILE *out, const struct report_lost *lost)
{
	const char *label = "lost";

	for (int i = 0; i < NR_LOSSES; i++) {
		const struct loss_cause *cause = &loss_causes[i];

		if (!lost->by_cause[i])
			continue;
		text_lines__label(out, label);
		fprintf(out, "%s %s\n", text_units__nouns(lost->by_cause[i], cause->noun).text,
			cause->why);
		label = "";
	}
}

void text_lines__held_back(FILE *out, const struct process_report *process)
{
	if (process->held_back_s <= 0)
		return;
	text_lines__label(out, "held back");
	fprintf(out, "%s, until its new files had been looked into\n",
		text_units__duration(process->held_back_s).text);
}

void text_lines__inherited(FILE *out, const struct process_report *process)
{
	struct unit_text blocks = text_units__nouns(process->inherited_blocks, "block");

	if (!process->inherited_from || !process->has_allocator)
		return;
	text_lines__label(out, "inherited");
	if (process->inherited_bytes == FIGURE_UNKNOWN)
		fprintf(out, "%s (bytes unknown)", blocks.text);
	else
		fprintf(out, "%s in %s",
			text_units__nouns((uint64_t)process->inherited_bytes, "byte").text,
			blocks.text);
	fprintf(out, " from PID %d at the fork; freed since: %s", process->inherited_from,
		text_units__nouns(process->inherited_freed_blocks, "block").text);
	if (process->inherited_freed_bytes == FIGURE_UNKNOWN)
		fputs(" (bytes unknown)\n", out);
	else
		fprintf(out, ", %s\n",
			text_units__nouns((uint64_t)process->inherited_freed_bytes, "byte").text);
}

void text_lines__memory_in_use(FILE *out)
{
	text_lines__label(out, "memory");
	fputs("the process is gone but its memory is not: something else still uses it\n", out);
}

void text_lines__verdict(FILE *out, const struct process_report *process)
{
	static const char *const labels[] = {
		[VERDICT_UNKNOWN] = "unverified",
		[VERDICT_TRUE] = "verified",
		[VERDICT_FALSE] = "NOT reclaimed",
	};
	struct verdict_text why = verdict_words__why(&process->why);

	text_lines__label(out, labels[process->verified]);
	fprintf(out, "%s\n", why.text[0] ? why.text : "no reason recorded");
}

static void print_kept(FILE *out, const struct report_kept *kept)
{
	/* 0 bytes too: it stays even when none of it is in memory. */
	if (kept->bytes == FIGURE_UNKNOWN)
		fputs("an unknown amount", out);
	else if (!kept->bytes)
		fputs("0 bytes", out);
	else
		fputs(text_units__size(kept->bytes).text, out);
	fputs(" of ", out);
	sanitize_text__print(out, kept->kind);
	fputs(": ", out);
	sanitize_text__print(out, kept->name);
	if (kept->why) {
		fputs("; ", out);
		sanitize_text__print(out, kept->why);
	}
	fputc('\n', out);
}

/* Returns the label for the line that follows. */
static const char *print_all_kept(FILE *out, const struct report_stays *stays, const char *label)
{
	for (size_t i = 0; i < stays->nr_kept; i++) {
		text_lines__label(out, label);
		print_kept(out, &stays->kept[i]);
		label = "";
	}
	return label;
}

void text_lines__kept(FILE *out, const struct report_stays *stays)
{
	print_all_kept(out, stays, "stays");
}

void text_lines__stays(FILE *out, const struct report_stays *stays)
{
	const struct {
		figure bytes;
		const char *what, *why;
	} parts[] = {
		{ stays->page_cache_bytes, "file pages", ", in the page cache (reclaimable)" },
		{ stays->shared_bytes, "anonymous memory", ", shared with a living process" },
		/* Unless its parts are named: this is their sum. */
		{ stays->nr_kept ? 0 : stays->shmem_bytes, "shared memory", "" },
	};
	size_t nr_parts = sizeof(parts) / sizeof(parts[0]), nr_unknown = 0;
	const char *label = "stays";

	for (size_t i = 0; i < nr_parts; i++)
		nr_unknown += parts[i].bytes == FIGURE_UNKNOWN;
	for (size_t i = 0; i < nr_parts && nr_unknown < nr_parts; i++) {
		if (parts[i].bytes == 0)
			continue;
		text_lines__label(out, label);
		if (parts[i].bytes == FIGURE_UNKNOWN)
			fprintf(out, "%s: unknown\n", parts[i].what);
		else
			fprintf(out, "%s of %s%s\n", text_units__size(parts[i].bytes).text,
				parts[i].what, parts[i].why);
		label = "";
	}
	label = print_all_kept(out, stays, label);
	if (*label) {
		text_lines__label(out, label);
		fputs(nr_unknown ? "unknown\n" : "nothing\n", out);
	}
}

void text_lines__more(FILE *out, uint64_t number, const char *noun, const char *at_least,
		      uint64_t bytes, uint64_t blocks)
{
	if (number)
		fprintf(out, "  and %s, %s%s\n", text_units__nouns(number, noun).text, at_least,
			text_units__held(bytes, blocks).text);
}
