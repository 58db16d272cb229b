// SPDX-License-Identifier: GPL-2.0
/* See process_sweep.h. Called by monitor_upkeep.c now and then. */
#include "process_sweep.h"

#include "books/needed_keys.h"

static size_t tgid_of(const struct space *space, uint64_t *keys)
{
	keys[0] = space->tgid;
	return 1;
}

static bool is_needed(pid_t tgid, void *context)
{
	return needed_keys__has(context, (uint64_t)tgid);
}

int process_sweep__run(struct processes *processes, struct kernel_records *records,
		       const struct tracer_maps *maps, struct ended_spaces *ended)
{
	struct needed_keys needed;
	int err;

	if (!processes__find_gone(processes))
		return 0;
	/* The gone processes may have forked: the record of a child needs its parent's. */
	kernel_records__drain(records);
	err = needed_keys__list(&needed, maps, ended, tgid_of);
	if (!err)
		processes__sweep_gone(processes, is_needed, &needed);
	needed_keys__free(&needed);
	return err;
}
