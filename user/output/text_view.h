/* SPDX-License-Identifier: GPL-2.0 */
/* How text is shown to its reader. */
#ifndef TEXT_VIEW_H
#define TEXT_VIEW_H

#include <stdbool.h>

struct text_view {
	bool verbose; /* addresses, module paths and the figures of JSON that text leaves out */
	bool leaks_only; /* no stacks of blocks that are not lost, a line for a process without any */
	bool suppressions; /* each stack of a leak check is followed by an entry that hides it */
	double tree_percent; /* > 0: stacks are summed up by caller, down to this share */
	unsigned int terminal_columns; /* of the terminal that is written to; 0: it is none */
};

#endif
