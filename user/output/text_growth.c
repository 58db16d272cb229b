// SPDX-License-Identifier: GPL-2.0
/* See text_growth.h. */
#include "output/text_growth.h"

#include <stdlib.h>

#include "base/text_units.h"
#include "output/text_lines.h"
#include "report/growth.h"

static uint64_t magnitude(int64_t number)
{
	return number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
}

/* "+134,208 bytes", "-1 byte", "+0 bytes". */
static void print_change(FILE *out, int64_t bytes)
{
	fprintf(out, "%c%s", bytes < 0 ? '-' : '+',
		text_units__nouns(magnitude(bytes), "byte").text);
}

/* Whole percents, rounded down: "100 %" is all. */
static unsigned int percent(uint64_t part, uint64_t whole)
{
	return (unsigned int)(100.0L * part / whole);
}

void text_growth__head(FILE *out, const struct report_stack *stack,
		       const struct report_stacks *stacks, const char *at_least)
{
	const struct report_growth *growth = &stack->growth;
	struct unit_text held = text_units__held(stack->bytes, stack->blocks);

	print_change(out, growth->bytes);
	fprintf(out, " in %s (%s%s", text_units__duration(stacks->since_s).text, at_least,
		held.text);
	if (growth->has_ages && stack->bytes)
		fprintf(out, ", %u %% older",
			percent(growth->old_bytes < stack->bytes ? growth->old_bytes : stack->bytes,
				stack->bytes));
	fputc(')', out);
}

void text_growth__survival(FILE *out, const struct report_growth *growth,
			   const struct report_stacks *stacks)
{
	double per_minute;

	if (!growth->known || !growth->has_ages || !growth->born_bytes || growth->long_bytes <= 0)
		return;
	per_minute = (double)growth->long_bytes * 60 / stacks->long_s;
	fprintf(out, "  grows %s a minute, %u %% survives%s\n",
		text_units__size((figure)per_minute).text,
		percent(growth->survived_bytes, growth->born_bytes),
		growth__looks_like_leak(growth) ? ": likely a leak" : "");
}

void text_growth__steady(FILE *out, const struct report_stacks *stacks, const char *at_least)
{
	const struct stack_sum *steady = &stacks->steady;

	if (!steady->stacks && !stacks->steady_growth_bytes)
		return;
	fprintf(out, "  %s did not grow: %s%s", text_units__nouns(steady->stacks, "stack").text,
		at_least, text_units__held(steady->bytes, steady->blocks).text);
	if (stacks->steady_growth_bytes) {
		fputs(", ", out);
		print_change(out, stacks->steady_growth_bytes);
		fprintf(out, " in %s", text_units__duration(stacks->since_s).text);
	}
	fputc('\n', out);
}

void text_growth__of_process(FILE *out, const struct process_report *process)
{
	if (!process->growth.known || !process->has_allocator)
		return;
	fputs(", ", out);
	print_change(out, process->growth.bytes);
	fprintf(out, " in %s", text_units__duration(process->growth_s).text);
}

static struct unit_text say_size_change(int64_t bytes)
{
	struct unit_text text;

	snprintf(text.text, sizeof(text.text), "%c%.64s", bytes < 0 ? '-' : '+',
		 text_units__size(text_units__to_figure(magnitude(bytes))).text);
	return text;
}

/* Memory of malloc's own, such as what is free inside it, grows by pages and comes and goes. */
#define WORTH_A_WORD (1 << 20)

static void print_anonymous_growth(FILE *out, const struct process_report *process)
{
	const struct report_growth *growth = &process->growth;
	int64_t held = process->has_allocator ? growth->bytes : 0;

	if (!growth->known || growth->anon_bytes == FIGURE_UNKNOWN)
		return;
	text_lines__label(out, "");
	fprintf(out, "anonymous %s in %s", say_size_change(growth->anon_bytes).text,
		text_units__duration(process->growth_s).text);
	if (process->has_allocator)
		fprintf(out, "; held %s", say_size_change(held).text);
	fputc('\n', out);
	if (growth->anon_bytes < WORTH_A_WORD || held >= growth->anon_bytes / 2)
		return;
	text_lines__label(out, "grows elsewhere");
	fputs("most of this is not in blocks that are held: mappings of its own, memory that malloc "
	      "keeps, or blocks from before\n",
	      out);
}

void text_growth__resident(FILE *out, const struct process_report *process)
{
	const struct resident *resident = &process->resident;

	if (!process->has_resident)
		return;
	text_lines__label(out, "resident");
	fprintf(out, "%s anonymous + %s file + %s shared memory",
		text_units__size(resident->anon_bytes).text,
		text_units__size(resident->file_bytes).text,
		text_units__size(resident->shmem_bytes).text);
	if (resident->swap_bytes > 0)
		fprintf(out, "; swapped %s", text_units__size(resident->swap_bytes).text);
	fputc('\n', out);
	print_anonymous_growth(out, process);
}
