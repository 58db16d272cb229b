// SPDX-License-Identifier: GPL-2.0
/* See exit_code.h. From the options and what was found to the number that main returns. */
#include "exit_code.h"

static bool any_broken(const struct broken_rules *broken)
{
	for (int i = 0; i < NR_FAIL_RULES; i++)
		if (broken->times[i])
			return true;
	return false;
}

int exit_code__of_run(const struct options *options, const struct leaks_found *found,
		      const struct broken_rules *broken, int status)
{
	/* A test that fails and leaks failed: its own status says more. */
	if (status != STATUS_OK || !options->error_exitcode)
		return status;
	if (any_broken(broken) || (options->leak_check && found->kinds & options->error_leak_kinds))
		return options->error_exitcode;
	/* Whoever asks for a status must not take a check that never was for one without leaks. */
	if (broken->unknown_held ||
	    (options->leak_check && options->error_leak_kinds && found->unchecked))
		return STATUS_FAILED;
	return STATUS_OK;
}
