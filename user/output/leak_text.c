// SPDX-License-Identifier: GPL-2.0
/*
 * See leak_text.h. Called by text_process.c and text_system.c. Only here are blocks said to be
 * lost, and only those that the check found to be: what is still pointed to is "reachable".
 */
#include "output/leak_text.h"

#include "base/sanitize_text.h"
#include "base/text_units.h"
#include "output/leak_words.h"
#include "output/text_lines.h"
#include "output/text_stacks.h"
#include "report/suppressions.h"

#define RECORD_INDENT 4
/* As wide as Valgrind's summary, so that its lines look the same. */
#define KIND_COLUMNS 15
#define HEURISTIC_INDENT 24
#define HEURISTIC_COLUMNS 19
/* Less than this in the allocator explains nothing about the size of a process. */
#define ALLOCATOR_SHOWN_BYTES (1U << 20)

/* Tells the reader which records need work. */
static void print_title(FILE *out, enum leak_kind kind)
{
	static const char *const meanings[NR_LEAK_KINDS] = {
		[LEAK_UNCLASSIFIED] = "the check did not look at these",
		[LEAK_DEFINITE] = "no pointer to these is left; they can't be freed any more",
		[LEAK_INDIRECT] = "only lost blocks point to these; look at those first",
		[LEAK_POSSIBLE] = "only pointers into their middle are left; worth a look",
		[LEAK_REACHABLE] = "still pointed to; nothing is lost (a cache, a buffer)",
	};

	fprintf(out, "  %s: %s\n", leak_words__kind(kind), meanings[kind]);
}

static void print_change(FILE *out, int64_t change, const char *noun)
{
	uint64_t size = change < 0 ? 0 - (uint64_t)change : (uint64_t)change;

	fprintf(out, "%s%s", change < 0 ? "-" : "+", text_units__nouns(size, noun).text);
}

/* Nothing where nothing changed: a record that stands still needs no words. */
static void print_growth(FILE *out, const struct report_stack *stack, double since_s)
{
	bool is_new = stack->growth_blocks > 0 && (uint64_t)stack->growth_blocks == stack->blocks;

	if (since_s < 0 || (!stack->growth_bytes && !stack->growth_blocks))
		return;
	fputs(" (", out);
	if (is_new) {
		fputs("new", out);
	} else {
		print_change(out, stack->growth_bytes, "byte");
		fputs(", ", out);
		print_change(out, stack->growth_blocks, "block");
	}
	fprintf(out, " in %s)", text_units__duration(since_s).text);
}

static void print_record(FILE *out, const struct report_stack *stack, double since_s,
			 const char *at_least)
{
	fprintf(out, "%*s%s%s", RECORD_INDENT, "", at_least,
		text_units__held(stack->bytes, stack->blocks).text);
	print_growth(out, stack, since_s);
	if (stack->indirect_blocks)
		fprintf(out, ", and %s%s lost with %s,", at_least,
			text_units__held(stack->indirect_bytes, stack->indirect_blocks).text,
			stack->blocks == 1 ? "it" : "them");
	fputs(" from\n", out);
}

static void print_records(FILE *out, const struct process_report *process, struct text_view view)
{
	const struct report_stacks *stacks = &process->stacks;
	const char *at_least = text_lines__before_stacks(&process->lost);

	for (size_t i = 0; i < stacks->nr; i++) {
		const struct report_stack *stack = &stacks->list[i];

		if (!i || stack->kind != stacks->list[i - 1].kind)
			print_title(out, stack->kind);
		print_record(out, stack, process->leaks->since_s, at_least);
		text_stacks__print_frames(out, stack, view);
		if (view.suppressions)
			suppressions__print_entry(out, stack->kind, stack->frames,
						  stack->nr_frames);
	}
	text_lines__more(out, stacks->more.stacks, "more stack", at_least, stacks->more.bytes,
			 stacks->more.blocks);
}

static void print_sum(FILE *out, const char *name, const char *at_least, const struct leak_sum *sum)
{
	fprintf(out, "%*s%*s: %s%s\n", RECORD_INDENT, "", KIND_COLUMNS, name, at_least,
		text_units__held(sum->bytes, sum->blocks).text);
}

static void print_heuristics(FILE *out, const struct report_leaks *leaks, const char *at_least)
{
	bool titled = false;

	for (int i = 0; i < NR_LEAK_HEURISTICS; i++) {
		const struct leak_sum *sum = &leaks->by_heuristic[i];

		if (!sum->blocks)
			continue;
		if (!titled)
			fprintf(out, "%*sof which reachable via heuristic:\n", HEURISTIC_INDENT - 2,
				"");
		titled = true;
		fprintf(out, "%*s%-*s: %s%s\n", HEURISTIC_INDENT, "", HEURISTIC_COLUMNS,
			leak_words__heuristic((enum leak_heuristic)i), at_least,
			text_units__held(sum->bytes, sum->blocks).text);
	}
}

static bool is_nothing_held(const struct process_report *process)
{
	uint64_t blocks = process->leaks->suppressed.blocks;

	for (int kind = LEAK_DEFINITE; kind < NR_LEAK_KINDS; kind++)
		blocks |= process->leaks->of_kind[kind].blocks;
	return !blocks && !text_lines__sums_affected(&process->lost);
}

static void print_summary(FILE *out, const struct process_report *process)
{
	const struct report_leaks *leaks = process->leaks;
	const char *at_least = text_lines__before_sums(&process->lost);

	fputs("  LEAK SUMMARY:\n", out);
	for (int kind = LEAK_DEFINITE; kind < NR_LEAK_KINDS; kind++)
		print_sum(out, leak_words__kind((enum leak_kind)kind), at_least,
			  &leaks->of_kind[kind]);
	print_heuristics(out, leaks, at_least);
	print_sum(out, "suppressed", at_least, &leaks->suppressed);
}

static void print_limits(FILE *out, const struct report_leaks *leaks)
{
	const char *label = "limits";

	for (int i = 0; i < NR_LEAK_LIMITS; i++) {
		if (!(leaks->limits & leak_limits[i].limit))
			continue;
		text_lines__label(out, label);
		fprintf(out, "%s\n", leak_limits[i].why);
		label = "";
	}
}

static void print_suppressions(FILE *out, const struct report_leaks *leaks)
{
	const char *label = "suppressions";

	for (size_t i = 0; i < leaks->nr_used; i++) {
		const struct report_suppression *used = &leaks->used[i];

		text_lines__label(out, label);
		sanitize_text__print(out, used->name);
		fputs(" (", out);
		sanitize_text__print(out, used->file);
		fprintf(out, ":%u): %s\n", used->line,
			text_units__held(used->hidden.bytes, used->hidden.blocks).text);
		label = "";
	}
}

static uint64_t add_sizes(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static const char *unknown_words(const struct process_report *process)
{
	return process->late_attach ? "from before the attach" : "not recorded";
}

/* Who allocated them is not known, but the size of the loss is. */
static void print_old_lost(FILE *out, const struct process_report *process)
{
	const struct report_leaks *leaks = process->leaks;

	if (!leaks->has_old_lost || !leaks->unknown_bytes)
		return;
	text_lines__label(out, "");
	fprintf(out, "of those %s, ", unknown_words(process));
	if (leaks->old_lost.blocks)
		fprintf(out, "%s in %s %s lost: no pointer leads there\n",
			text_units__size(text_units__to_figure(leaks->old_lost.bytes)).text,
			text_units__nouns(leaks->old_lost.blocks, "chunk").text,
			leaks->old_lost.blocks == 1 ? "is" : "are");
	else
		fputs("none is lost\n", out);
}

/*
 * Says what the allocator holds beyond the recorded blocks, which explains why a process is larger
 * than they are.
 */
static void print_allocator(FILE *out, const struct process_report *process, bool verbose)
{
	const struct report_leaks *leaks = process->leaks;
	uint64_t more = add_sizes(leaks->unknown_bytes, leaks->free_bytes);

	if (!leaks->has_arenas || !more ||
	    (more < ALLOCATOR_SHOWN_BYTES && !verbose && !process->late_attach))
		return;
	text_lines__label(out, "the allocator");
	fprintf(out, "holds %s more:", text_units__size(text_units__to_figure(more)).text);
	if (leaks->unknown_bytes) {
		fprintf(out, " %s %s",
			text_units__size(text_units__to_figure(leaks->unknown_bytes)).text,
			unknown_words(process));
		if (verbose)
			fprintf(out, " (%s)",
				text_units__nouns(leaks->unknown_chunks, "chunk").text);
		fputs(leaks->free_bytes ? "," : "", out);
	}
	if (leaks->free_bytes)
		fprintf(out, " %s free chunks",
			text_units__size(text_units__to_figure(leaks->free_bytes)).text);
	fputc('\n', out);
	print_old_lost(out, process);
}

/* A process that stood at its end was waiting for nothing. */
static void print_pause(FILE *out, const struct report_leaks *leaks, bool verbose)
{
	struct unit_text read = text_units__size(text_units__to_figure(leaks->scanned_bytes));

	if (leaks->pause_s < 0 && !verbose)
		return;
	text_lines__label(out, "leak check");
	/* Without a block nothing points to one, so nothing was read. */
	if (leaks->pause_s >= 0 && !leaks->scanned_bytes)
		fprintf(out, "paused for %s\n", text_units__duration(leaks->pause_s).text);
	else if (leaks->pause_s >= 0)
		fprintf(out, "paused for %s, %s read\n", text_units__duration(leaks->pause_s).text,
			read.text);
	else
		fprintf(out, "%s read at the end\n", read.text);
}

/* The kinds in that set of which there are blocks. */
static unsigned int find_kinds(const struct report_leaks *leaks, unsigned int set)
{
	unsigned int found = 0;

	for (int kind = LEAK_DEFINITE; kind < NR_LEAK_KINDS; kind++)
		if (set & LEAK_KIND_BIT(kind) && leaks->of_kind[kind].blocks)
			found |= LEAK_KIND_BIT(kind);
	return found;
}

static void print_kinds(FILE *out, unsigned int set)
{
	const char *gap = "";

	for (int kind = LEAK_DEFINITE; kind < NR_LEAK_KINDS; kind++) {
		if (!(set & LEAK_KIND_BIT(kind)))
			continue;
		fprintf(out, "%s%s", gap, leak_words__kind((enum leak_kind)kind));
		set &= ~LEAK_KIND_BIT(kind);
		gap = __builtin_popcount(set) > 1 ? ", " : " and ";
	}
}

static void print_hint(FILE *out, const struct report_leaks *leaks)
{
	unsigned int hidden = find_kinds(leaks, ~leaks->shown_kinds);

	if (!leaks->full && find_kinds(leaks, leaks->shown_kinds)) {
		text_lines__label(out, "more");
		fputs("--leak-check=full shows where\n", out);
	} else if (leaks->full && hidden) {
		text_lines__label(out, "more");
		fputs("--show-leak-kinds=all shows ", out);
		print_kinds(out, hidden);
		fputs(" blocks too\n", out);
	}
}

static void print_check(FILE *out, const struct process_report *process, bool verbose)
{
	const struct report_leaks *leaks = process->leaks;

	if (is_nothing_held(process)) {
		fputs("  LEAK SUMMARY: no recorded block is held, so none is lost\n", out);
	} else {
		print_summary(out, process);
		print_limits(out, leaks);
	}
	if (verbose)
		print_suppressions(out, leaks);
	print_allocator(out, process, verbose);
	print_pause(out, leaks, verbose);
	print_hint(out, leaks);
}

const char *leak_text__nothing_lost(const struct process_report *process)
{
	const struct report_leaks *leaks = process->leaks;

	if (!leaks || find_kinds(leaks, LEAK_KINDS_LOST | leaks->shown_kinds) ||
	    leaks->suppressed.blocks || leaks->old_lost.blocks)
		return NULL;
	if (leaks->limits || text_lines__sums_affected(&process->lost))
		return "no lost one was found";
	return "none is lost";
}

void leak_text__print(FILE *out, const struct process_report *process, struct text_view view)
{
	if (!process->leaks)
		return text_stacks__print(out, process, view);
	if (view.leaks_only && leak_text__nothing_lost(process)) {
		text_lines__label(out, "leak check");
		text_lines__held(out, process);
		fprintf(out, ", %s\n", leak_text__nothing_lost(process));
		return;
	}
	if (view.verbose)
		text_stacks__print_walks(out, process->walks);
	if (process->leaks->full)
		print_records(out, process, view);
	print_check(out, process, view.verbose);
}

void leak_text__not_done(FILE *out, const struct process_report *process)
{
	if (!process->leaks_why)
		return;
	text_lines__label(out, "leak check");
	fputs("not done: ", out);
	sanitize_text__print(out, process->leaks_why);
	fputc('\n', out);
}
