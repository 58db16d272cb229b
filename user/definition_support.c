// SPDX-License-Identifier: GPL-2.0
/* See definition_support.h. Called by monitor_load.c and features_report.c. */
#include "definition_support.h"

#include "allocators/defined_functions.h"
#include "base/log.h"
#include "options.h"
#include "probes/feature_trials.h"

int definition_support__check(const struct features *features, const struct probe_paths *paths)
{
	if (!defined_functions__nr() || paths->call_probes != CALL_PROBES_PERF ||
	    !feature_trials__helper(BPF_FUNC_get_attach_cookie))
		return STATUS_OK;
	log__error("--alloc, --free and --definitions need Linux 5.15, and this is %s: it can't "
		   "tell a probe which function it is on",
		   features->system.release);
	return STATUS_KERNEL;
}
