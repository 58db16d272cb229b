// SPDX-License-Identifier: GPL-2.0
/*
 * See monitor_state.h. Reports address spaces that have ended, in the order of the ends, and finds
 * the ends that no hook has told.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/stop_request.h"
#include "books/snapshot.h"
#include "monitor_state.h"

/* A report of an exec waits that long to learn which program took over. */
#define EXEC_GRACE_NS 100000000ULL

/* The program that took over may not be known yet: its first mapping names it. */
static bool awaits_exec(const struct monitor *monitor, const struct space *space)
{
	const struct image *next;

	if (!(space->flags & SPACE_EXEC) || monitor->signals.stopping || monitor->finished ||
	    clock__monotonic_ns() > space->after_ns + EXEC_GRACE_NS)
		return false;
	next = processes__next_image(monitor->processes, (pid_t)space->tgid, space->seen_ns);
	return !next || !next->exe;
}

static void report_end(struct monitor *monitor, const struct space *space)
{
	/*
	 * Spaces that ended while probes were still being put in are left out: they ran before us.
	 */
	if (space->after_ns >= monitor->ready_ns)
		reporter__exit(monitor->reporter, space, true);
	leak_checks__forget(monitor->leaks.checks, space);
	ended_spaces__delete_records(monitor->maps, space);
	processes__reported(monitor->processes, (pid_t)space->tgid, space->seen_ns);
	monitor->upkeep.dead_blocks += space->held_blocks;
}

/*
 * Spaces without a report yet stay in the list: an exec's successor may still be unknown, or
 * somebody asked to stop.
 */
void monitor_ends__report(struct monitor *monitor)
{
	struct ended_spaces *ended = &monitor->ended;
	size_t nr = 0, nr_gathered = 0;

	ended_spaces__take(ended, monitor->maps, monitor->signals.stopping || monitor->finished);
	if (!ended->nr)
		return;
	if (monitor->options->mode != MODE_SYSTEM)
		reporter__note_after(monitor->reporter);
	/* The kernel recorded their mappings before they ended, so the records are there now. */
	kernel_records__drain(monitor->records);
	for (; nr < ended->nr; nr++) {
		const struct space *space = &ended->space[nr];
		size_t nr_left = ended->nr - nr;

		/* Reports keep the order of the ends. */
		if (awaits_exec(monitor, space) || stop_request__is_pending())
			break;
		if (nr == nr_gathered) {
			if (reporter__gather(monitor->reporter, space, &nr_left) == -EINTR)
				break;
			nr_gathered = nr + nr_left;
		}
		report_end(monitor, space);
		monitor_holds__catch_up(monitor);
	}
	reporter__free_gathered(monitor->reporter);
	ended_spaces__forget(ended, nr);
}

/*
 * Whether the process is gone but no hook has said so, although hooks run before it goes. (A memory
 * that it left by exec, and that another process goes on using, is no missed end.)
 */
static bool whole_end_was_missed(const struct space *space)
{
	__u64 left = SPACE_EXEC | SPACE_GUESTS;

	return !(space->flags & SPACE_PROCESS_ENDED) && (space->flags & left) != left &&
	       kill((pid_t)space->tgid, 0) && errno == ESRCH;
}

void monitor_ends__add_missed(struct monitor *monitor, struct space *space)
{
	int err = ended_spaces__add_missed(&monitor->ended, monitor->maps, space,
					   clock__monotonic_ns());

	if (err && err != -ENOMEM)
		return;
	monitor->lost.by_cause[LOSS_UNSEEN_END]++;
	if (err)
		log__warning("out of memory: the end of PID %u is not reported", space->tgid);
}

/* Keeps the spaces whose whole end was missed, as far as these records tell. Returns how many. */
static size_t keep_missed(struct space *spaces, size_t nr)
{
	size_t kept = 0;

	for (size_t i = 0; i < nr; i++)
		if (whole_end_was_missed(&spaces[i]))
			spaces[kept++] = spaces[i];
	return kept;
}

static bool is_among(const struct space *space, const struct space *spaces, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (spaces[i].serial == space->serial)
			return true;
	return false;
}

/*
 * Reads the records twice: a space may have ended, and said so, since the first reading. Only a
 * space that still says nothing once its process is known to be gone was missed.
 */
void monitor_ends__find_missed(struct monitor *monitor)
{
	const struct tracer_maps *maps = monitor->maps;
	struct space *first, *again = NULL;
	size_t nr_first, nr_again = 0;

	if (snapshot__read_live(maps, &first, &nr_first))
		return;
	nr_first = keep_missed(first, nr_first);
	if (nr_first && !snapshot__read_live(maps, &again, &nr_again)) {
		nr_again = keep_missed(again, nr_again);
		for (size_t i = 0; i < nr_again; i++)
			if (is_among(&again[i], first, nr_first))
				monitor_ends__add_missed(monitor, &again[i]);
	}
	free(first);
	free(again);
}

/* Relies on the order of an end: a space enters the queue before it leaves the living ones. */
bool monitor_ends__are_complete(struct monitor *monitor)
{
	struct space *spaces;
	size_t nr_live;

	for (size_t i = 0; i < monitor->followed.nr; i++)
		if (!monitor_targets__ended(monitor, i))
			return false;
	monitor_ends__find_missed(monitor);
	if (snapshot__read_live(monitor->maps, &spaces, &nr_live))
		return true;
	free(spaces);
	if (nr_live)
		return false;
	ended_spaces__take(&monitor->ended, monitor->maps, true);
	return !monitor->ended.nr;
}

/*
 * A user who asks to stop once more does not want to wait for the reports that are left: they are
 * counted as ends that found no room.
 */
void monitor_ends__count_unreported(struct monitor *monitor)
{
	if (stop_request__is_pending())
		monitor->lost.by_cause[LOSS_ENDED_MAP_FULL] += monitor->ended.nr;
}
