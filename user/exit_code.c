// SPDX-License-Identifier: GPL-2.0
/* See exit_code.h. From the options and what was found to the number that main returns. */
#include "exit_code.h"

int exit_code__of_run(const struct options *options, const struct leaks_found *found, int status)
{
	/* A test that fails and leaks failed: its own status says more. */
	if (status != STATUS_OK || !options->leak_check || !options->error_exitcode)
		return status;
	if (found->kinds & options->error_leak_kinds)
		return options->error_exitcode;
	/* Whoever asks for a status must not take a check that never was for one without leaks. */
	return found->unchecked ? STATUS_FAILED : STATUS_OK;
}
