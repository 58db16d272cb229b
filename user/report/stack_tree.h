/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Stacks summed up by caller: one leak is often many stacks, which have their first callers in
 * common. Pure: the stacks of a report in, rows of a tree out.
 */
#ifndef STACK_TREE_H
#define STACK_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "report/report.h"

/* Functions that call each other and nothing else that allocates, or the small rest of a level. */
struct stack_tree_row {
	unsigned int depth; /* of levels with several rows; 0: all stacks */
	const struct report_stack *stack; /* one that has these functions; NULL: the rest */
	size_t first,
		nr; /* its frames, from the outermost on: frames[first - i], i of 0 to nr - 1 */
	uint64_t stacks, bytes, blocks;
	int64_t growth_bytes;
	double share; /* of all, 0 to 1: of the growth by ORDER_GROWTH, else of the bytes */
};

/*
 * Calls visit for each row, callers first, those with the larger share before their neighbours.
 * Rows of a share below min_share become one, the last of their level. Frames of the same function
 * and module are the same, wherever in the function they are. By ORDER_GROWTH, stacks that have not
 * grown are left out. Returns 0 or -ENOMEM.
 */
int stack_tree__each(const struct report_stacks *stacks, double min_share,
		     void (*visit)(const struct stack_tree_row *row, void *context), void *context);

#endif
