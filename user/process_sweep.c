// SPDX-License-Identifier: GPL-2.0
/* See process_sweep.h. Called by monitor_upkeep.c now and then. */
#include "process_sweep.h"

#include <errno.h>
#include <stdlib.h>

#include "books/snapshot.h"

/* Processes with a memory that was not reported yet, ascending. */
struct needed {
	pid_t *tgid;
	size_t nr;
};

static int by_number(const void *a, const void *b)
{
	const pid_t *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

static bool is_needed(pid_t tgid, void *context)
{
	const struct needed *needed = context;

	return needed->nr &&
	       bsearch(&tgid, needed->tgid, needed->nr, sizeof(tgid), by_number) != NULL;
}

static void add_needed(struct needed *needed, const struct space *spaces, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		needed->tgid[needed->nr++] = (pid_t)spaces[i].tgid;
}

/* The living first: what ends meanwhile is found with the ended. */
static int list_needed(struct needed *needed, const struct tracer_maps *maps,
		       struct ended_spaces *ended)
{
	struct space *live;
	size_t nr_live;
	int err = snapshot__read_live(maps, &live, &nr_live);

	if (err)
		return err;
	ended_spaces__take(ended, maps, true);
	needed->tgid = calloc(nr_live + ended->nr + 1, sizeof(*needed->tgid));
	if (needed->tgid) {
		add_needed(needed, live, nr_live);
		add_needed(needed, ended->space, ended->nr);
		qsort(needed->tgid, needed->nr, sizeof(*needed->tgid), by_number);
	}
	free(live);
	return needed->tgid ? 0 : -ENOMEM;
}

int process_sweep__run(struct processes *processes, struct kernel_records *records,
		       const struct tracer_maps *maps, struct ended_spaces *ended)
{
	struct needed needed = { 0 };
	int err;

	if (!processes__find_gone(processes))
		return 0;
	/* They may have forked: the child's record wants its parent's. */
	kernel_records__drain(records);
	err = list_needed(&needed, maps, ended);
	if (!err)
		processes__forget_gone(processes, is_needed, &needed);
	free(needed.tgid);
	return err;
}
