// SPDX-License-Identifier: GPL-2.0
/*
 * See stack_tree.h. Stacks are sorted by their frames, from the outermost on: then those that have
 * their first callers in common are neighbours, and each row of the tree is a run of them.
 */
#include "report/stack_tree.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Stacks that have their first callers in common. */
struct run {
	const struct report_stack *const *stacks;
	size_t nr;
	uint64_t bytes, blocks;
	int64_t growth_bytes;
};

struct tree {
	bool by_growth;
	double whole, min_share; /* of bytes, or of growth */
	void (*visit)(const struct stack_tree_row *row, void *context);
	void *context;
};

static int compare_texts(const char *left, const char *right)
{
	if (!left || !right)
		return (left != NULL) - (right != NULL);
	return left == right ? 0 : strcmp(left, right);
}

static int compare_numbers(uint64_t left, uint64_t right)
{
	return left < right ? -1 : left > right;
}

/* A frame without a name is the same at the same place only. */
static int compare_frames(const struct report_frame *left, const struct report_frame *right)
{
	int order = compare_texts(left->function, right->function);

	if (!order)
		order = compare_texts(left->module, right->module);
	if (order || left->function)
		return order;
	if (left->module)
		return compare_numbers(left->module_offset, right->module_offset);
	return compare_numbers(left->address, right->address);
}

/* The frame at that depth, counted from the outermost one. */
static const struct report_frame *frame_at(const struct report_stack *stack, size_t depth)
{
	return &stack->frames[stack->nr_frames - 1 - depth];
}

static int by_callers(const void *a, const void *b)
{
	const struct report_stack *left = *(const struct report_stack *const *)a;
	const struct report_stack *right = *(const struct report_stack *const *)b;

	for (size_t i = 0; i < left->nr_frames && i < right->nr_frames; i++) {
		int order = compare_frames(frame_at(left, i), frame_at(right, i));

		if (order)
			return order;
	}
	return compare_numbers(left->nr_frames, right->nr_frames);
}

static double measure(const struct tree *tree, const struct run *run)
{
	return tree->by_growth ? (double)run->growth_bytes : (double)run->bytes;
}

static void add_stack(struct run *run, const struct report_stack *stack)
{
	run->nr++;
	run->bytes += stack->bytes;
	run->blocks += stack->blocks;
	run->growth_bytes += stack->growth.bytes;
}

/* Whether the two have the frame at that depth in common; neither may have ended there. */
static bool share_frame(const struct report_stack *left, const struct report_stack *right,
			size_t depth)
{
	if (left->nr_frames <= depth || right->nr_frames <= depth)
		return left->nr_frames <= depth && right->nr_frames <= depth;
	return !compare_frames(frame_at(left, depth), frame_at(right, depth));
}

static int by_measure(const void *a, const void *b, void *context)
{
	double left = measure(context, a), right = measure(context, b);

	return left > right ? -1 : left < right;
}

/* Cuts a run where the frames at that depth differ. Returns the parts (owned), or NULL. */
static struct run *cut(struct tree *tree, const struct run *run, size_t depth, size_t *nr)
{
	struct run *parts = calloc(run->nr, sizeof(*parts));

	*nr = 0;
	for (size_t i = 0; i < run->nr && parts; i++) {
		if (!i || !share_frame(run->stacks[i - 1], run->stacks[i], depth))
			parts[(*nr)++].stacks = &run->stacks[i];
		add_stack(&parts[*nr - 1], run->stacks[i]);
	}
	if (parts && *nr)
		qsort_r(parts, *nr, sizeof(*parts), by_measure, tree);
	return parts;
}

/* How many frames from that depth on all stacks of the run have in common. */
static size_t nr_common(const struct run *run, size_t depth)
{
	const struct report_stack *first = run->stacks[0], *last = run->stacks[run->nr - 1];
	size_t nr = 0;

	/* They are sorted: what the first and the last have in common, all have. */
	while (depth + nr < first->nr_frames && depth + nr < last->nr_frames &&
	       !compare_frames(frame_at(first, depth + nr), frame_at(last, depth + nr)))
		nr++;
	return nr;
}

/* Whether any stack of the run has a frame at that depth; those that have come last. */
static bool goes_on(const struct run *run, size_t depth)
{
	return run->nr > 1 && run->stacks[run->nr - 1]->nr_frames > depth;
}

static void visit_run(const struct tree *tree, const struct run *run, unsigned int level,
		      size_t depth, size_t nr)
{
	struct stack_tree_row row = {
		.depth = level,
		.stack = run->stacks ? run->stacks[0] : NULL,
		.nr = nr,
		.stacks = run->nr,
		.bytes = run->bytes,
		.blocks = run->blocks,
		.growth_bytes = run->growth_bytes,
		.share = tree->whole > 0 ? measure(tree, run) / tree->whole : 0,
	};

	if (row.stack && nr)
		row.first = row.stack->nr_frames - 1 - depth;
	tree->visit(&row, tree->context);
}

static void add_run(struct run *sum, const struct run *run)
{
	sum->nr += run->nr;
	sum->bytes += run->bytes;
	sum->blocks += run->blocks;
	sum->growth_bytes += run->growth_bytes;
}

/* Visits what the run's stacks call from that depth on. */
static int visit_below(struct tree *tree, const struct run *run, unsigned int level, size_t depth)
{
	struct run rest = { 0 };
	size_t nr_parts;
	struct run *parts = cut(tree, run, depth, &nr_parts);
	int err = parts ? 0 : -ENOMEM;

	for (size_t i = 0; i < nr_parts && !err; i++) {
		size_t nr = nr_common(&parts[i], depth);

		if (measure(tree, &parts[i]) < tree->min_share * tree->whole) {
			add_run(&rest, &parts[i]);
			continue;
		}
		visit_run(tree, &parts[i], level, depth, nr);
		if (goes_on(&parts[i], depth + nr))
			err = visit_below(tree, &parts[i], level + 1, depth + nr);
	}
	if (!err && rest.nr)
		visit_run(tree, &rest, level, depth, 0);
	free(parts);
	return err;
}

int stack_tree__each(const struct report_stacks *stacks, double min_share,
		     void (*visit)(const struct stack_tree_row *row, void *context), void *context)
{
	const struct report_stack **sorted = calloc(stacks->nr + 1, sizeof(*sorted));
	struct tree tree = {
		.by_growth = stacks->order == ORDER_GROWTH,
		.min_share = min_share,
		.visit = visit,
		.context = context,
	};
	struct run all = { .stacks = sorted };
	int err = 0;

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < stacks->nr; i++) {
		const struct report_stack *stack = &stacks->list[i];

		if (tree.by_growth && stack->growth.bytes <= 0)
			continue;
		sorted[all.nr] = stack;
		add_stack(&all, stack);
	}
	tree.whole = measure(&tree, &all);
	if (all.nr) {
		qsort(sorted, all.nr, sizeof(*sorted), by_callers);
		err = visit_below(&tree, &all, 0, 0);
	}
	free(sorted);
	return err;
}
