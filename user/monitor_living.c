// SPDX-License-Identifier: GPL-2.0
/* See monitor_state.h. Address spaces that live: what is to be done about each, and ends missed. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "base/log.h"
#include "monitor_state.h"
#include "books/snapshot.h"

/* How long memory may outlive its process before that is worth a report of its own. */
#define MEMORY_GRACE_NS 100000000ULL
#define MISSED_RETURN_NS 5000000000ULL
#define MISSED_END_NS 60000000000ULL

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

static int by_serial(const void *a, const void *b)
{
	const struct handled_space *left = a, *right = b;

	return left->serial < right->serial ? -1 : left->serial > right->serial;
}

/* What was done about it before. */
static unsigned int deeds_of(const struct monitor *monitor, uint64_t serial)
{
	struct handled_space key = { .serial = serial };
	const struct handled_space *found = monitor->nr_handled ? bsearch(&key, monitor->handled,
									  monitor->nr_handled,
									  sizeof(key), by_serial) :
								  NULL;

	return found ? found->deeds : 0;
}

/* Takes the list over: what has ended since is not in it any more. */
static void note_handled(struct monitor *monitor, struct handled_space *now, size_t nr)
{
	qsort(now, nr, sizeof(*now), by_serial);
	free(monitor->handled);
	monitor->handled = now;
	monitor->nr_handled = nr;
}

/*
 * Where the hook that looks before is one on the teardown itself, a memory that it has looked at is
 * used by nobody: it is being torn down, and that can take a while.
 */
static bool teardown_has_begun(const struct monitor *monitor, const struct space *space)
{
	return monitor->paths.exit_before != EXIT_BEFORE_TRACEPOINT &&
	       space->flags & SPACE_BEFORE_READ;
}

static bool has_ended_before(const struct space *space, uint64_t ns)
{
	return space->flags & SPACE_PROCESS_ENDED && monotonic_ns() >= space->process_end_ns + ns;
}

/* A process that is gone while its memory is not; worth a report after a while. */
static bool was_outlived(const struct monitor *monitor, const struct space *space)
{
	return !teardown_has_begun(monitor, space) && has_ended_before(space, MEMORY_GRACE_NS);
}

/*
 * The return probe on a teardown can be missed, and with it the probe before: one that takes that
 * long was. Only another process with the same memory, which is noted when it is made, can keep a
 * memory for so long after its own process. The other hooks on a teardown's end are missed hardly
 * ever.
 */
static bool end_was_missed(const struct monitor *monitor, const struct space *space)
{
	if (monitor->paths.exit_after == EXIT_AFTER_KRETPROBE)
		return (space->flags & SPACE_BEFORE_READ || !(space->flags & SPACE_GUESTS)) &&
		       has_ended_before(space, MISSED_RETURN_NS);
	return teardown_has_begun(monitor, space) && has_ended_before(space, MISSED_END_NS);
}

/*
 * The process is gone, and no hook has said so, although they come before. (It can leave a memory
 * by exec that another goes on to use.)
 */
static bool whole_end_was_missed(const struct space *space)
{
	__u64 left = SPACE_EXEC | SPACE_GUESTS;

	return !(space->flags & SPACE_PROCESS_ENDED) && (space->flags & left) != left &&
	       kill((pid_t)space->tgid, 0) && errno == ESRCH;
}

static void give_up(struct monitor *monitor, struct space *space)
{
	if (snapshot__give_up(monitor->maps, space, monotonic_ns()))
		return;
	monitor->lost.by_cause[LOSS_UNSEEN_END]++;
	if (ended_spaces__add(&monitor->ended, space))
		log__warning("out of memory: the end of PID %u is not reported", space->tgid);
}

/* Keeps those of the spaces whose whole end was missed, by all that they say. Returns how many. */
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
 * Some may have ended, and said so, since their records were read: only what still says nothing
 * when its process is known to be gone was missed.
 */
void monitor_living__give_up_missed(struct monitor *monitor)
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
				give_up(monitor, &again[i]);
	}
	free(first);
	free(again);
}

static void report_outlived(struct monitor *monitor, const struct space *space)
{
	size_t nr = 1;

	reporter__gather(monitor->reporter, space, &nr);
	reporter__exit(monitor->reporter, space, false);
	reporter__forget_gathered(monitor->reporter);
}

static unsigned int deeds_due(const struct monitor *monitor, const struct space *space)
{
	if (was_outlived(monitor, space))
		return HANDLED_OUTLIVED;
	return (space->flags & SPACE_NEW_LEADER ? HANDLED_NEW_LEADER : 0) |
	       (space->flags & SPACE_LEADER_LEFT ? HANDLED_LEADER_LEFT : 0);
}

/* What is to be done once about an address space that lives. Returns all that was done so far. */
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
	uint64_t now_ns = monotonic_ns();
	size_t nr, nr_handled = 0;

	/* Of a whole system there is much to look at, and nothing that hurries. */
	if (monitor->options->mode == MODE_SYSTEM &&
	    now_ns - monitor->looked_at_living_ns < TICK_MS * 1000000ULL)
		return;
	monitor->looked_at_living_ns = now_ns;
	if (snapshot__read_live(monitor->maps, &spaces, &nr))
		return;
	handled = calloc(nr + 1, sizeof(*handled));
	for (size_t i = 0; i < nr && handled; i++) {
		unsigned int deeds;

		if (end_was_missed(monitor, &spaces[i]))
			give_up(monitor, &spaces[i]);
		deeds = handle(monitor, &spaces[i]);
		if (deeds)
			handled[nr_handled++] = (struct handled_space){ spaces[i].serial, deeds };
	}
	if (handled)
		note_handled(monitor, handled, nr_handled);
	free(spaces);
}
