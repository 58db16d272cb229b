// SPDX-License-Identifier: GPL-2.0
/*
 * See descendants.h. monitor_records.c feeds it the kernel's records; monitor.c asks when a run
 * ends.
 */
#include "processes/descendants.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/log.h"
#include "processes/process_name.h"
#include "processes/process_tree.h"

#define MAX_PROCESSES 4096

static struct descendant *find(const struct descendants *descendants, pid_t tgid)
{
	for (size_t i = 0; i < descendants->nr; i++)
		if (descendants->process[i].tgid == tgid)
			return &descendants->process[i];
	return NULL;
}

/*
 * Forgets processes that are gone, but not before all records up to that time have been read:
 * records can still come of children that the process forked.
 */
static void sweep_gone(struct descendants *descendants, uint64_t read_up_to_ns)
{
	size_t nr = 0;

	for (size_t i = 0; i < descendants->nr; i++) {
		struct descendant process = descendants->process[i];

		if (!kill(process.tgid, 0) || errno != ESRCH)
			process.gone_ns = 0;
		else if (!process.gone_ns)
			process.gone_ns = clock__monotonic_ns();
		if (!process.gone_ns || process.gone_ns >= read_up_to_ns)
			descendants->process[nr++] = process;
	}
	descendants->nr = nr;
}

static int make_room(struct descendants *descendants, uint64_t read_up_to_ns)
{
	if (descendants->nr < descendants->capacity)
		return 0;
	sweep_gone(descendants, read_up_to_ns);
	if (descendants->nr < descendants->capacity / 2)
		return 0;
	if (descendants->capacity == MAX_PROCESSES)
		return descendants->nr < MAX_PROCESSES ? 0 : -ENOSPC;
	return array__reserve(&descendants->process, &descendants->capacity,
			      descendants->capacity + 1);
}

int descendants__add(struct descendants *descendants, pid_t tgid, uint64_t time_ns)
{
	uint64_t now_ns = clock__monotonic_ns();
	uint64_t asleep_ns = clock__boot_ns() - now_ns;
	int err = make_room(descendants, time_ns);

	if (!err)
		descendants->process[descendants->nr++] = (struct descendant){
			.tgid = tgid,
			.forked_ns = time_ns + asleep_ns,
		};
	return err;
}

int descendants__forked(struct descendants *descendants, pid_t tgid, pid_t parent, uint64_t time_ns)
{
	bool ours = find(descendants, parent);
	struct descendant *before = find(descendants, tgid);

	/* An earlier process with that number has ended. */
	if (before)
		*before = descendants->process[--descendants->nr];
	return ours ? descendants__add(descendants, tgid, time_ns) : 0;
}

/* Its PID may have been reused: the other process began later. */
static bool lives(const struct descendant *process)
{
	uint64_t ns_per_tick = NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK);
	struct process_entry entry;

	return !process_tree__read_one(process->tgid, &entry) &&
	       entry.start_ticks <= process->forked_ns / ns_per_tick + 1;
}

size_t descendants__living(const struct descendants *descendants, pid_t *first)
{
	size_t nr = 0;

	for (size_t i = 0; i < descendants->nr; i++) {
		if (!lives(&descendants->process[i]))
			continue;
		if (!nr++)
			*first = descendants->process[i].tgid;
	}
	return nr;
}

void descendants__tell(const struct descendants *descendants)
{
	char name[64];
	pid_t first;
	size_t nr = descendants__living(descendants, &first);

	if (!nr)
		return;
	process_name__read(first, name, sizeof(name));
	if (nr == 1)
		log__warning("PID %d (%s), which the command started, lives on and was not traced; "
			     "-f traces children too",
			     (int)first, name);
	else
		log__warning("PID %d (%s) and %zu more, which the command started, live on and "
			     "were not traced; -f traces children too",
			     (int)first, name, nr - 1);
}

void descendants__free(struct descendants *descendants)
{
	free(descendants->process);
	*descendants = (struct descendants){ 0 };
}
