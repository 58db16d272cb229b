// SPDX-License-Identifier: GPL-2.0
/* See text_growth.h. */
#include "output/text_growth.h"

#include <stdlib.h>

#include "base/text_units.h"
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
	fprintf(out, "    grows %s a minute, %u %% survives%s\n",
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
	if (!process->growth.known || !process->has_allocator || process->stacks.since_s <= 0)
		return;
	fputs(", ", out);
	print_change(out, process->growth.bytes);
	fprintf(out, " in %s", text_units__duration(process->stacks.since_s).text);
}
