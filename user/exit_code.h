/* SPDX-License-Identifier: GPL-2.0 */
/* The exit status after leak checks. Pure. */
#ifndef EXIT_CODE_H
#define EXIT_CODE_H

#include <stdbool.h>

#include "options.h"

/* What all leak checks of a run found together. */
struct leaks_found {
	unsigned int kinds; /* a sum of LEAK_KIND_BIT: those with a block that is not suppressed */
	/*
	 * A check that was due did not take place, as when a debugger had the process. Processes
	 * that are never checked, as children with -f, are not meant.
	 */
	bool unchecked;
};

/*
 * status: the run's own, which is the command's when it has ended and nothing else failed. A
 * failure there counts more than leaks do.
 */
int exit_code__of_run(const struct options *options, const struct leaks_found *found, int status);

#endif
