// SPDX-License-Identifier: GPL-2.0
/*
 * See monitor_state.h. Living address spaces: what is due once for each, and how long one may
 * outlive its process.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/living_thread.h"
#include "books/snapshot.h"
#include "monitor_state.h"

/* How long memory may outlive its process before that is reported. */
#define MEMORY_GRACE_NS 100000000ULL
#define MISSED_RETURN_NS 5000000000ULL
#define MISSED_END_NS 60000000000ULL

static int by_serial(const void *a, const void *b)
{
	const struct handled_space *left = a, *right = b;

	return left->serial < right->serial ? -1 : left->serial > right->serial;
}

/* Returns what was done about that space before. */
static unsigned int deeds_of(const struct monitor *monitor, uint64_t serial)
{
	const struct living *living = &monitor->living;
	struct handled_space key = { .serial = serial };
	const struct handled_space *found = NULL;

	if (living->nr_handled)
		found = bsearch(&key, living->handled, living->nr_handled, sizeof(key), by_serial);
	return found ? found->deeds : 0;
}

/* Replaces the list, and so forgets spaces that have ended since. */
static void note_handled(struct monitor *monitor, struct handled_space *now, size_t nr)
{
	qsort(now, nr, sizeof(*now), by_serial);
	free(monitor->living.handled);
	monitor->living.handled = now;
	monitor->living.nr_handled = nr;
}

/*
 * The before-hook, unless it is a tracepoint, sits on the teardown itself: when it has read a
 * memory, nobody uses that any more. Its teardown has begun, and can take a while.
 */
static bool teardown_has_begun(const struct monitor *monitor, const struct space *space)
{
	return monitor->paths.exit_before != EXIT_BEFORE_TRACEPOINT &&
	       space->flags & SPACE_BEFORE_READ;
}

static bool has_ended_before(const struct space *space, uint64_t ns)
{
	return space->flags & SPACE_PROCESS_ENDED &&
	       clock__monotonic_ns() >= space->process_end_ns + ns;
}

/*
 * Whether a process is gone for a while and its memory is not: that is worth a report. From 6.16 on
 * the tracepoint tells of the end before the teardown, which takes seconds for gigabytes, and
 * longer on a busy machine: it goes on as long as a thread remains.
 */
static bool was_outlived(const struct monitor *monitor, const struct space *space)
{
	return !teardown_has_begun(monitor, space) && has_ended_before(space, MEMORY_GRACE_NS) &&
	       !living_thread__remains((pid_t)space->tgid);
}

/*
 * A kretprobe on the teardown can be missed, and with it the probe on its beginning: a teardown
 * that takes MISSED_RETURN_NS was missed. A memory stays that long after its process only when
 * another process shares it, and that is noted (SPACE_GUESTS) when that process is made. The other
 * after-hooks are hardly ever missed.
 */
static bool end_was_missed(const struct monitor *monitor, const struct space *space)
{
	if (monitor->paths.exit_after == EXIT_AFTER_KRETPROBE)
		return (space->flags & SPACE_BEFORE_READ || !(space->flags & SPACE_GUESTS)) &&
		       has_ended_before(space, MISSED_RETURN_NS);
	return teardown_has_begun(monitor, space) && has_ended_before(space, MISSED_END_NS);
}

static void report_outlived(struct monitor *monitor, const struct space *space)
{
	size_t nr = 1;

	reporter__gather(monitor->reporter, space, &nr);
	reporter__exit(monitor->reporter, space, false);
	reporter__free_gathered(monitor->reporter);
}

static unsigned int deeds_due(const struct monitor *monitor, const struct space *space)
{
	if (was_outlived(monitor, space))
		return HANDLED_OUTLIVED;
	return (space->flags & SPACE_NEW_LEADER ? HANDLED_NEW_LEADER : 0) |
	       (space->flags & SPACE_LEADER_LEFT ? HANDLED_LEADER_LEFT : 0);
}

/* Does what is due for one living address space. Returns all that was done so far. */
static unsigned int handle(struct monitor *monitor, const struct space *space)
{
	unsigned int done = deeds_of(monitor, space->serial);
	unsigned int due = deeds_due(monitor, space) & ~done;
	pid_t tgid = (pid_t)space->tgid;

	if (due & HANDLED_OUTLIVED)
		report_outlived(monitor, space);
	if (due & HANDLED_NEW_LEADER)
		probed_files__attach_again(monitor->probed, tgid);
	if (due & HANDLED_LEADER_LEFT)
		probed_files__leader_left(monitor->probed, tgid);
	return done | due;
}

void monitor_living__look(struct monitor *monitor)
{
	struct handled_space *handled;
	struct space *spaces;
	uint64_t now_ns = clock__monotonic_ns();
	size_t nr, nr_handled = 0;

	/* On a whole system there are many spaces, and none is urgent. */
	if (monitor->options->mode == MODE_SYSTEM &&
	    now_ns - monitor->living.looked_ns < TICK_MS * 1000000ULL)
		return;
	monitor->living.looked_ns = now_ns;
	if (snapshot__read_live(monitor->maps, &spaces, &nr))
		return;
	handled = calloc(nr + 1, sizeof(*handled));
	for (size_t i = 0; i < nr && handled; i++) {
		unsigned int deeds;

		if (end_was_missed(monitor, &spaces[i]))
			monitor_ends__add_missed(monitor, &spaces[i]);
		deeds = handle(monitor, &spaces[i]);
		if (deeds)
			handled[nr_handled++] = (struct handled_space){ spaces[i].serial, deeds };
	}
	if (handled)
		note_handled(monitor, handled, nr_handled);
	free(spaces);
}
