/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sets of stacks from two sources, a report and a debugger's list, and their comparison. A frame is
 * the path of a file and an offset in it: neither names nor addresses.
 */
#ifndef STACK_SET_H
#define STACK_SET_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

struct listed_stack {
	char *frames; /* "PATH+0xOFFSET\tPATH+0xOFFSET...", innermost first */
	unsigned long nr_calls;
	const char
		*end; /* how the report says that the stack ended; NULL: from the debugger's list */
};

struct stack_set {
	struct listed_stack *stack; /* sorted by frames; no two have the same */
	size_t nr;
};

/* All stacks of a record; inlined functions are no frames. Good as long as the record is. */
void stack_set__of_record(struct stack_set *set, const json_t *record);
/* Reads lines of "CALLS\tFRAMES". */
void stack_set__of_file(struct stack_set *set, const char *path);
unsigned long stack_set__nr_calls(const struct stack_set *set);
void stack_set__free(struct stack_set *set);

struct stack_comparison {
	size_t nr_expected, nr_found;
	size_t nr_equal; /* in both, and called as often */
	size_t nr_calls_differ; /* in both */
	size_t nr_cut; /* say that they ended early, and begin like an expected one */
	size_t nr_wrong; /* equal to no expected stack, nor its beginning */
	size_t nr_missing; /* expected and not found, or found only in part */
	const struct listed_stack *first_wrong, *first_missing; /* NULL: none */
};

struct stack_comparison stack_set__compare(const struct stack_set *expected,
					   const struct stack_set *found);

#endif
