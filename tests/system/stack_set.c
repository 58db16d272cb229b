// SPDX-License-Identifier: GPL-2.0
/* See stack_set.h. Used by test_stacks.c. */
#include "stack_set.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

static int by_frames(const void *a, const void *b)
{
	const struct listed_stack *left = a, *right = b;

	return strcmp(left->frames, right->frames);
}

static void add(struct stack_set *set, char *frames, unsigned long nr_calls, const char *end)
{
	struct listed_stack *grown = set->stack;

	/* The room doubles at each power of two. */
	if (!(set->nr & (set->nr - 1)))
		grown = realloc(grown, 2 * (set->nr + 1) * sizeof(*grown));
	assert_non_null(grown);
	assert_non_null(frames);
	set->stack = grown;
	set->stack[set->nr++] = (struct listed_stack){ frames, nr_calls, end };
}

/* Merges stacks that differed only in inlined functions. */
static void sort(struct stack_set *set)
{
	size_t kept = 0;

	if (!set->nr)
		return;
	qsort(set->stack, set->nr, sizeof(*set->stack), by_frames);
	for (size_t i = 1; i < set->nr; i++) {
		if (by_frames(&set->stack[kept], &set->stack[i])) {
			set->stack[++kept] = set->stack[i];
			continue;
		}
		set->stack[kept].nr_calls += set->stack[i].nr_calls;
		free(set->stack[i].frames);
	}
	set->nr = kept + 1;
}

static char *join_frames(const json_t *frames)
{
	char *joined = NULL;
	size_t size, index;
	const json_t *frame;
	FILE *out = open_memstream(&joined, &size);
	const char *separator = "";

	assert_non_null(out);
	json_array_foreach(frames, index, frame)
	{
		if (truth_value(frame, "inlined"))
			continue;
		fprintf(out, "%s%s+%s", separator,
			is_null(frame, "module") ? "?" : text(frame, "module"),
			is_null(frame, "offset") ? "?" : text(frame, "offset"));
		separator = "\t";
	}
	fclose(out);
	return joined;
}

void stack_set__of_record(struct stack_set *set, const json_t *record)
{
	const json_t *stacks = field(record, "stacks"), *stack;
	size_t index;

	*set = (struct stack_set){ 0 };
	json_array_foreach(stacks, index, stack)
		add(set, join_frames(field(stack, "frames")),
		    (unsigned long)number(stack, "blocks"), text(stack, "end"));
	sort(set);
}

void stack_set__of_file(struct stack_set *set, const char *path)
{
	FILE *file = fopen(path, "r");
	char *line = NULL, *frames;
	size_t size = 0;
	ssize_t length;

	*set = (struct stack_set){ 0 };
	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	while ((length = getline(&line, &size, file)) > 0) {
		unsigned long nr_calls = strtoul(line, &frames, 10);

		line[length - 1] = '\0';
		add(set, strdup(frames + (*frames == '\t')), nr_calls, NULL);
	}
	free(line);
	fclose(file);
	sort(set);
}

unsigned long stack_set__nr_calls(const struct stack_set *set)
{
	unsigned long nr_calls = 0;

	for (size_t i = 0; i < set->nr; i++)
		nr_calls += set->stack[i].nr_calls;
	return nr_calls;
}

void stack_set__free(struct stack_set *set)
{
	for (size_t i = 0; i < set->nr; i++)
		free(set->stack[i].frames);
	free(set->stack);
	*set = (struct stack_set){ 0 };
}

/* The first stack that doesn't sort before these frames: a stack that begins with them is there. */
static size_t find_from(const struct stack_set *set, const char *frames)
{
	size_t low = 0, high = set->nr;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(set->stack[middle].frames, frames) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const struct listed_stack *find(const struct stack_set *set, const char *frames)
{
	size_t at = find_from(set, frames);

	return at < set->nr && !strcmp(set->stack[at].frames, frames) ? &set->stack[at] : NULL;
}

/*
 * Compares whole frames. Stacks whose last offset here has more digits sort after those that go on
 * with a tab.
 */
static bool begins_one(const struct stack_set *set, const char *frames)
{
	size_t at = find_from(set, frames), length = strlen(frames);

	return at < set->nr && !strncmp(set->stack[at].frames, frames, length) &&
	       strchr("\t", set->stack[at].frames[length]);
}

struct stack_comparison stack_set__compare(const struct stack_set *expected,
					   const struct stack_set *found)
{
	struct stack_comparison result = { .nr_expected = expected->nr, .nr_found = found->nr };

	for (size_t i = 0; i < found->nr; i++) {
		const struct listed_stack *stack = &found->stack[i];
		const struct listed_stack *same = find(expected, stack->frames);

		if (same) {
			result.nr_equal += same->nr_calls == stack->nr_calls;
			result.nr_calls_differ += same->nr_calls != stack->nr_calls;
		} else if (strcmp(stack->end, "complete") != 0 &&
			   begins_one(expected, stack->frames)) {
			result.nr_cut++;
		} else {
			result.nr_wrong++;
			if (!result.first_wrong)
				result.first_wrong = stack;
		}
	}
	for (size_t i = 0; i < expected->nr; i++) {
		if (find(found, expected->stack[i].frames))
			continue;
		result.nr_missing++;
		if (!result.first_missing)
			result.first_missing = &expected->stack[i];
	}
	return result;
}
