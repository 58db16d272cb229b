/* SPDX-License-Identifier: GPL-2.0 */
/* Stacks summed up by caller, as text: a row for each function, indented below its caller. */
#ifndef TEXT_TREE_H
#define TEXT_TREE_H

#include <stdio.h>

#include "output/text_view.h"
#include "report/report.h"

/* Prints heads and rows; view.tree_percent says which rows are too small. */
void text_tree__print(FILE *out, const struct report_stacks *stacks, struct text_view view);

#endif
