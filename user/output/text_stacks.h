/* SPDX-License-Identifier: GPL-2.0 */
/* The stacks of a report as text: one row for each, its frames and its blocks below. */
#ifndef TEXT_STACKS_H
#define TEXT_STACKS_H

#include <stdio.h>

#include "output/text_view.h"
#include "report/report.h"

/*
 * Print the stacks in their order, then what was cut; "at least " stands before figures that losses
 * may have made too small. Verbose frames have paths in full, module and address. In a ranking,
 * rows say how many processes share the stack.
 */
void text_stacks__print(FILE *out, const struct process_report *process, struct text_view view);
void text_stacks__print_ranking(FILE *out, const struct ranking_report *ranking,
				struct text_view view);

/* Parts of these, for a writer with rows of its own: the lines below a row… */
void text_stacks__print_frames(FILE *out, const struct report_stack *stack, struct text_view view);
/* …and how many stacks are complete and, for the others, why their walks ended. */
void text_stacks__print_walks(FILE *out, const uint64_t walks[NR_STACK_ENDS]);

#endif
