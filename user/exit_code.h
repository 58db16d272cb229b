/* SPDX-License-Identifier: GPL-2.0 */
/* The exit status after leak checks, and by the rules of --fail-on. Pure. */
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
 * broken: the rules of --fail-on that were broken. status: the run's own, which is the command's
 * when it has ended and nothing else failed. A failure there counts more than what was found.
 */
int exit_code__of_run(const struct options *options, const struct leaks_found *found,
		      const struct broken_rules *broken, int status);

#endif
