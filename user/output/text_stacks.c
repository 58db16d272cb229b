// SPDX-License-Identifier: GPL-2.0
/*
 * Stacks, frames and block lists as text. Names come from the traced program's files and are
 * hostile: every one goes through sanitize_text.
 */
#include <inttypes.h>
#include <string.h>

#include "base/sanitize_text.h"
#include "output/short_name.h"
#include "output/text_growth.h"
#include "output/text_lines.h"
#include "output/text_stacks.h"
#include "output/text_tree.h"
#include "base/text_units.h"

/* Places stand in one column after the widest name; a name longer than this pushes its place on. */
#define MAX_NAME_COLUMNS 40
#define FRAME_INDENT 6
#define MAX_SHORT_NAME_BYTES 4096

struct style {
	bool verbose;
	size_t name_room; /* columns for a name: a longer one is shortened */
};

/* Names are in full in a file, and for a reader who asked for everything. */
static struct style style_for(struct text_view view)
{
	struct style style = { .verbose = view.verbose, .name_room = SIZE_MAX };

	if (!view.verbose && view.terminal_columns)
		style.name_room = view.terminal_columns > MAX_NAME_COLUMNS + FRAME_INDENT ?
					  view.terminal_columns - FRAME_INDENT :
					  MAX_NAME_COLUMNS;
	return style;
}

static const char *shorten_path(const char *path, bool verbose)
{
	const char *slash = verbose ? NULL : strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static size_t print_module(FILE *out, const struct report_frame *frame, bool verbose)
{
	size_t columns = sanitize_text__print(out, shorten_path(frame->module, verbose));

	return columns + fprintf(out, "+0x%" PRIx64, frame->module_offset);
}

/*
 * Prints the name or, when there is none, the place, which is then not repeated; returns its
 * columns.
 */
static size_t print_name(FILE *out, const struct report_frame *frame, const struct style *style)
{
	char buffer[MAX_SHORT_NAME_BYTES];

	if (frame->function)
		return sanitize_text__print_cut(out,
						short_name__fit(frame->function, style->name_room,
								buffer, sizeof(buffer)),
						style->name_room);
	if (frame->module)
		return print_module(out, frame, style->verbose);
	if (frame->address)
		return fprintf(out, "0x%" PRIx64, frame->address);
	return fprintf(out, "(unknown)");
}

static void print_place(FILE *out, const struct report_frame *frame, bool verbose)
{
	const char *gap = "";

	if (frame->file) {
		sanitize_text__print(out, shorten_path(frame->file, verbose));
		if (frame->line)
			fprintf(out, ":%u", frame->line);
		gap = "  ";
	}
	if (frame->function && frame->module && (verbose || !frame->file)) {
		fprintf(out, "%s[", gap);
		print_module(out, frame, verbose);
		fputc(']', out);
		gap = "  ";
	}
	if (verbose && frame->address && (frame->function || frame->module)) {
		fprintf(out, "%s0x%" PRIx64, gap, frame->address);
		gap = "  ";
	}
	if (frame->inlined)
		fprintf(out, "%s(inlined)", *gap ? " " : "");
}

static bool has_place(const struct report_frame *frame, bool verbose)
{
	return frame->file || frame->inlined || (frame->function && frame->module) ||
	       (verbose && frame->address && (frame->function || frame->module));
}

static size_t name_columns(const struct report_stack *stack)
{
	size_t widest = 0;

	for (size_t i = 0; i < stack->nr_frames; i++) {
		const char *name = stack->frames[i].function;
		size_t columns = name ? sanitize_text__columns(name) : 0;

		if (columns > widest && columns <= MAX_NAME_COLUMNS)
			widest = columns;
	}
	return widest;
}

static const char *why_it_ended(enum stack_end end)
{
	static const char *const why[NR_STACK_ENDS] = {
		[STACK_FULL] = "no more frames were kept",
		[STACK_FRAME_POINTERS] = "the walk by frame pointers ended here",
		[STACK_NO_TABLE] = "this file's unwind table was not ready yet",
		[STACK_BUSY] = "the mappings were being changed",
		[STACK_NO_CODE] = "no code is mapped further up",
		[STACK_UNREADABLE] = "the stack could not be read",
		[STACK_BAD_RULE] = "the file does not say how to go on",
	};

	return why[end];
}

void text_stacks__print_walks(FILE *out, const uint64_t walks[NR_STACK_ENDS])
{
	uint64_t nr = 0;

	for (int i = 0; i < NR_STACK_ENDS; i++)
		nr += walks[i];
	if (!nr)
		return;
	text_lines__label(out, "stacks");
	fprintf(out, "%s complete of %s", text_units__count(walks[STACK_COMPLETE]).text,
		text_units__count(nr).text);
	for (int i = STACK_COMPLETE + 1; i < NR_STACK_ENDS; i++)
		if (walks[i])
			fprintf(out, "; %s: %s", text_units__count(walks[i]).text,
				why_it_ended((enum stack_end)i));
	fputc('\n', out);
}

static void print_frames(FILE *out, const struct report_stack *stack, const struct style *style)
{
	size_t width = name_columns(stack);

	for (size_t i = 0; i < stack->nr_frames; i++) {
		const struct report_frame *frame = &stack->frames[i];
		size_t columns;

		fprintf(out, "%*s", FRAME_INDENT, "");
		columns = print_name(out, frame, style);
		if (has_place(frame, style->verbose)) {
			fprintf(out, "%*s  ", columns < width ? (int)(width - columns) : 0, "");
			print_place(out, frame, style->verbose);
		}
		fputc('\n', out);
	}
	if (!stack->nr_frames)
		fputs("      (no stack was recorded)\n", out);
	else if (stack->end != STACK_COMPLETE)
		fprintf(out, "      … (%s)\n", why_it_ended(stack->end));
}

static void print_blocks(FILE *out, const struct report_stack *stack)
{
	int width = 0;

	for (size_t i = 0; i < stack->nr_block_list; i++) {
		struct unit_text size = text_units__nouns(stack->block_list[i].size_bytes, "byte");

		if ((int)strlen(size.text) > width)
			width = (int)strlen(size.text);
	}
	for (size_t i = 0; i < stack->nr_block_list; i++) {
		const struct report_block *block = &stack->block_list[i];

		fprintf(out, "      block 0x%012" PRIx64 "  %*s", block->address, width,
			text_units__nouns(block->size_bytes, "byte").text);
		if (block->age_s >= 0)
			fprintf(out, "  %s old", text_units__duration(block->age_s).text);
		fputc('\n', out);
	}
}

static void print_head(FILE *out, const struct report_stack *stack,
		       const struct report_stacks *stacks, const char *at_least)
{
	text_growth__survival(out, &stack->growth, stacks);
	fputs("  ", out);
	if (stack->growth.known)
		text_growth__head(out, stack, stacks, at_least);
	else
		fprintf(out, "%s%s", at_least, text_units__held(stack->bytes, stack->blocks).text);
	if (stack->nr_processes > 1)
		fprintf(out, " in %s", text_units__nouns(stack->nr_processes, "process").text);
	fputs(" from\n", out);
}

/* By growth, those that have not grown are one line. */
static void print_stacks(FILE *out, const struct report_stacks *stacks, const char *at_least,
			 const struct style *style, struct text_view view)
{
	const struct stack_sum *more = &stacks->more, *steady = &stacks->more_steady;

	if (view.tree_percent > 0 && stacks->nr)
		text_tree__print(out, stacks, view);
	for (size_t i = 0; i < stacks->nr && !(view.tree_percent > 0); i++) {
		const struct report_stack *stack = &stacks->list[i];

		if (stacks->order == ORDER_GROWTH && stack->growth.bytes <= 0)
			break;
		print_head(out, stack, stacks, at_least);
		print_frames(out, stack, style);
		print_blocks(out, stack);
	}
	text_lines__more(out, more->stacks - steady->stacks, "more stack", at_least,
			 more->bytes - steady->bytes, more->blocks - steady->blocks);
	text_growth__steady(out, stacks, at_least);
}

void text_stacks__print_frames(FILE *out, const struct report_stack *stack, struct text_view view)
{
	struct style style = style_for(view);

	print_frames(out, stack, &style);
	print_blocks(out, stack);
}

void text_stacks__print(FILE *out, const struct process_report *process, struct text_view view)
{
	const char *at_least = text_lines__before_stacks(&process->lost);
	struct style style = style_for(view);

	if (view.verbose)
		text_stacks__print_walks(out, process->walks);
	print_stacks(out, &process->stacks, at_least, &style, view);
}

void text_stacks__print_ranking(FILE *out, const struct ranking_report *ranking,
				struct text_view view)
{
	const char *at_least = text_lines__before_stacks(&ranking->lost);
	struct style style = style_for(view);

	print_stacks(out, &ranking->stacks, at_least, &style, view);
}
