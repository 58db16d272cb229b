// SPDX-License-Identifier: GPL-2.0
/*
 * See leak_checks.h. Called by the monitor; the reporter reads the findings.
 *
 * A process that runs must not stand still for as long as its blocks are read and classified. So
 * its blocks are read twice: before the pause, to know what to look for, and after it. Those that
 * were there at the pause and still are get their kinds; those that were freed since count as
 * holders of others.
 */
#include "leak_checks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/progress.h"
#include "books/snapshot.h"
#include "exit_frames.h"
#include "leak_blocks.h"
#include "leaks/exit_watch.h"
#include "report/losses.h"

/* A process that is watched, or can't be. */
struct watched {
	pid_t tgid;
	unsigned int round; /* of its last check; 0: none while it ran */
	char why_not[96]; /* empty: it is watched */
};

struct leak_checks {
	const struct options *options;
	struct leak_check_sources sources;
	struct exit_watch *watch;
	struct watched *watched;
	size_t nr_watched, watched_capacity;
	struct leak_findings *findings; /* the last of each space */
	size_t nr_findings, findings_capacity;
	unsigned int round;
	struct leak_findings none; /* for spaces without any */
};

struct leak_checks *leak_checks__new(const struct options *options)
{
	struct leak_checks *checks = calloc(1, sizeof(*checks));

	if (!checks)
		return NULL;
	checks->options = options;
	checks->watch = exit_watch__new(options->follow_children);
	if (checks->watch)
		return checks;
	free(checks);
	return NULL;
}

void leak_checks__free(struct leak_checks *checks)
{
	if (!checks)
		return;
	exit_watch__free(checks->watch);
	for (size_t i = 0; i < checks->nr_findings; i++)
		leak_findings__free(&checks->findings[i]);
	free(checks->findings);
	free(checks->watched);
	free(checks);
}

void leak_checks__read_from(struct leak_checks *checks, const struct leak_check_sources *sources)
{
	checks->sources = *sources;
}

int leak_checks__fd(const struct leak_checks *checks)
{
	return exit_watch__fd(checks->watch);
}

static struct watched *find_watched(const struct leak_checks *checks, pid_t tgid)
{
	for (size_t i = 0; i < checks->nr_watched; i++)
		if (checks->watched[i].tgid == tgid)
			return &checks->watched[i];
	return NULL;
}

static void say_why_not(struct watched *watched, int err, pid_t tracer)
{
	size_t size = sizeof(watched->why_not);

	if (err == -EBUSY && tracer)
		snprintf(watched->why_not, size, "PID %d already traces it, as a debugger does",
			 tracer);
	else
		snprintf(watched->why_not, size, "its threads can't be stopped: %s",
			 strerror(-err));
	log__warning("no leak check of PID %d: %s", watched->tgid, watched->why_not);
}

void leak_checks__add(struct leak_checks *checks, pid_t tgid)
{
	struct watched *watched;
	pid_t tracer = 0;
	int err;

	if (array__reserve(&checks->watched, &checks->watched_capacity, checks->nr_watched + 1)) {
		log__warning("no leak check of PID %d: out of memory", tgid);
		return;
	}
	watched = &checks->watched[checks->nr_watched++];
	*watched = (struct watched){ .tgid = tgid };
	err = exit_watch__add(checks->watch, tgid, &tracer);
	if (err && err != -ESRCH)
		say_why_not(watched, err, tracer);
}

static struct leak_blocks_request blocks_of(const struct leak_checks *checks,
					    const struct space *space)
{
	return (struct leak_blocks_request){
		.space = space,
		.since_ns = space->flags & SPACE_LATE ? checks->sources.ready_ns : 0,
	};
}

static const char *why_failed(int err)
{
	switch (-err) {
	case E2BIG:
		return "it has more pointers than a check can keep";
	case ENOMEM:
		return "the tracer has not enough memory";
	case ETIMEDOUT:
		return "one of its threads could not be stopped within a second";
	case EINTR:
		return "the tracer was asked to stop";
	case ESRCH:
		return "it ended meanwhile";
	case ESTALE:
		return "the tracer was stopped, and did not keep it waiting";
	case EPIPE:
		return "the process that stops others is gone";
	default:
		return "its memory could not be read";
	}
}

/* blocks: the process's own. Inherited ones that it still holds are put among them. */
static int classify(const struct leak_checks *checks, struct leak_scan *scan,
		    struct leak_blocks *blocks, struct leak_findings *findings)
{
	struct leak_result result;
	size_t nr_inherited;
	const struct leak_block *inherited = leak_scan__inherited(scan, &nr_inherited);
	int err = leak_blocks__add(blocks, inherited, nr_inherited);

	if (!err)
		err = leak_scan__classify(scan, blocks->list, blocks->nr,
					  checks->options->leak_heuristics, &result);
	if (err)
		return err;
	err = leak_findings__sum(findings, blocks->list, blocks->nr, &result,
				 checks->options->show_allocations);
	leak_result__free(&result);
	return err;
}

static struct leak_findings *find_findings(const struct leak_checks *checks, uint64_t serial,
					   pid_t tgid)
{
	for (size_t i = 0; i < checks->nr_findings; i++)
		if (checks->findings[i].serial == serial && checks->findings[i].tgid == tgid)
			return &checks->findings[i];
	return NULL;
}

static void forget_findings(struct leak_checks *checks, const struct space *space)
{
	struct leak_findings *findings = find_findings(checks, space->serial, (pid_t)space->tgid);

	if (!findings)
		return;
	leak_findings__free(findings);
	*findings = checks->findings[--checks->nr_findings];
}

/* Keeps the findings, compared with those of the check before. */
static void keep(struct leak_checks *checks, struct leak_findings *findings)
{
	struct leak_findings *earlier = find_findings(checks, findings->serial, findings->tgid);

	if (earlier) {
		leak_findings__compare(findings, earlier);
		leak_findings__free(earlier);
		*earlier = *findings;
		return;
	}
	if (array__reserve(&checks->findings, &checks->findings_capacity,
			   checks->nr_findings + 1)) {
		log__warning("out of memory: a leak check was lost");
		leak_findings__free(findings);
		return;
	}
	checks->findings[checks->nr_findings++] = *findings;
}

static bool holds_blocks(const struct space *space)
{
	return space->held_blocks || (space->flags & SPACE_COPY &&
				      space->inherited_blocks > space->inherited_freed_blocks);
}

/* Whether it may hold blocks that were not recorded: from before the attach, or lost since. */
static bool may_hold_others(const struct space *space)
{
	struct report_lost lost = { 0 };

	losses__add_space(&lost, space);
	return space->flags & SPACE_LATE || losses__lessen_sums(&lost);
}

static struct leak_scan_request request_of(const struct paused_process *paused,
					   const struct leak_blocks *blocks,
					   const struct space *space, bool exact)
{
	bool late = may_hold_others(space);

	return (struct leak_scan_request){
		.process = paused,
		.blocks = blocks->list,
		.nr_blocks = blocks->nr,
		.inherited = blocks->inherited,
		.nr_inherited = blocks->nr_inherited,
		.exact = exact,
		.late = late,
		.copy = !late && space->flags & SPACE_COPY,
	};
}

/*
 * A process that has run its last instruction stands still for as long as the check takes. Then it
 * is let go.
 */
static void check_at_end(struct leak_checks *checks, const struct space *space,
			 struct paused_process *paused)
{
	const struct image *image =
		processes__image(checks->sources.processes, paused->tgid, space->seen_ns);
	struct leak_blocks_request request = blocks_of(checks, space);
	struct leak_blocks blocks;
	struct leak_findings findings = {
		.serial = space->serial,
		.tgid = (pid_t)space->tgid,
		.was_due = true,
		.at_end = true,
		.checked_ns = clock__monotonic_ns(),
		.pause_s = -1,
		.since_s = -1,
	};
	struct leak_scan *scan = NULL;
	int err;

	progress__begin("leak check of PID %d", paused->tgid);
	request.with_inherited = space->flags & SPACE_COPY;
	err = leak_blocks__read(&blocks, checks->sources.maps, &request);
	if (!err) {
		struct leak_scan_request scanned = request_of(paused, &blocks, space, true);

		exit_frames__forget(paused, checks->sources.files, image ? image->mappings : NULL);
		scan = leak_scan__read(&scanned);
		err = scan ? classify(checks, scan, &blocks, &findings) : -errno;
	}
	if (!err)
		err = exit_watch__resume(checks->watch, paused->tgid);
	else
		exit_watch__resume(checks->watch, paused->tgid);
	if (err)
		findings.why = why_failed(err);
	leak_scan__free(scan);
	leak_blocks__free(&blocks);
	progress__end();
	keep(checks, &findings);
}

/* The living space of that process, by a fresh look at the books. */
static bool find_space(const struct leak_checks *checks, pid_t tgid, struct space *found)
{
	struct space *spaces;
	bool is_found = false;
	size_t nr;

	if (snapshot__read_live(checks->sources.maps, &spaces, &nr))
		return false;
	for (size_t i = 0; i < nr && !is_found; i++) {
		is_found = (pid_t)spaces[i].tgid == tgid && !(spaces[i].flags & SPACE_EXEC);
		if (is_found)
			*found = spaces[i];
	}
	free(spaces);
	return is_found;
}

void leak_checks__look(struct leak_checks *checks, struct kernel_records *records)
{
	struct paused_process paused;
	struct space space;

	if (!checks || !checks->sources.maps)
		return;
	while (exit_watch__next_end(checks->watch, &paused) == 1) {
		if (records)
			kernel_records__drain(records);
		if (find_space(checks, paused.tgid, &space))
			check_at_end(checks, &space, &paused);
		else
			exit_watch__resume(checks->watch, paused.tgid);
		paused_process__free(&paused);
	}
}

/*
 * A child may have been there before the tracer, or have been made by a thread that was. Of the
 * whole system, a process is watched from its first check on.
 */
static bool is_watched_when_found(const struct leak_checks *checks)
{
	return checks->options->follow_children || checks->options->mode == MODE_SYSTEM;
}

static struct watched *find_or_watch(struct leak_checks *checks, pid_t tgid)
{
	if (is_watched_when_found(checks) && !find_watched(checks, tgid))
		leak_checks__add(checks, tgid);
	return find_watched(checks, tgid);
}

/* Reads the process in a pause; *pause_s is how long that was. */
static struct leak_scan *scan_in_pause(struct leak_checks *checks, const struct space *space,
				       const struct leak_blocks *blocks, uint64_t *paused_ns,
				       double *pause_s)
{
	uint64_t began_ns = clock__monotonic_ns();
	struct leak_scan_request request;
	struct paused_process paused;
	struct leak_scan *scan;
	int resumed, err = exit_watch__pause(checks->watch, (pid_t)space->tgid, &paused);

	if (err) {
		errno = -err;
		return NULL;
	}
	*paused_ns = paused.paused_ns;
	request = request_of(&paused, blocks, space, false);
	scan = leak_scan__read(&request);
	err = scan ? 0 : errno;
	resumed = exit_watch__resume(checks->watch, paused.tgid);
	*pause_s = (double)(clock__monotonic_ns() - began_ns) / NS_PER_S;
	paused_process__free(&paused);
	if (scan && !resumed)
		return scan;
	leak_scan__free(scan);
	errno = err ? err : -resumed;
	return NULL;
}

void leak_checks__begin_round(struct leak_checks *checks)
{
	checks->round++;
}

void leak_checks__check(struct leak_checks *checks, const struct space *space)
{
	struct watched *watched = find_or_watch(checks, (pid_t)space->tgid);
	struct leak_blocks_request request = blocks_of(checks, space);
	struct leak_blocks before, after = { 0 };
	struct leak_findings findings = {
		.serial = space->serial,
		.tgid = (pid_t)space->tgid,
		.round = checks->round,
		.was_due = true,
		.since_s = -1,
	};
	struct leak_scan *scan = NULL;
	int err;

	if (watched)
		watched->round = checks->round;
	/* A process that has ended was checked at its end. */
	if (!watched || watched->why_not[0] || space->flags & SPACE_PROCESS_ENDED)
		return;
	progress__begin("leak check of PID %d", (int)space->tgid);
	request.with_inherited = space->flags & SPACE_COPY;
	err = leak_blocks__read(&before, checks->sources.maps, &request);
	if (!err) {
		scan = scan_in_pause(checks, space, &before, &request.before_ns, &findings.pause_s);
		err = scan ? 0 : -errno;
	}
	/* The other list takes as much memory. */
	leak_blocks__free(&before);
	if (!err) {
		/* Which inherited ones were in use is known from the pause. */
		request.with_inherited = false;
		err = leak_blocks__read(&after, checks->sources.maps, &request);
	}
	findings.checked_ns = request.before_ns;
	if (!err)
		err = classify(checks, scan, &after, &findings);
	if (err)
		findings.why = why_failed(err);
	leak_scan__free(scan);
	leak_blocks__free(&after);
	progress__end();
	/* Nothing is lost of nothing, even if nobody could look. */
	if (err && !holds_blocks(space))
		forget_findings(checks, space);
	else
		keep(checks, &findings);
}

bool leak_checks__was_in_round(const struct leak_checks *checks, const struct space *space)
{
	const struct watched *watched = find_watched(checks, (pid_t)space->tgid);

	return watched && watched->round == checks->round;
}

const struct leak_findings *leak_checks__of(struct leak_checks *checks, const struct space *space,
					    bool ended)
{
	const struct watched *watched = find_watched(checks, (pid_t)space->tgid);
	const struct leak_findings *findings;
	bool is_other;

	findings = find_findings(checks, space->serial, (pid_t)space->tgid);
	if (findings && (findings->at_end || (!ended && findings->round == checks->round)))
		return findings;
	checks->none = (struct leak_findings){ .pause_s = -1, .since_s = -1 };
	/* Nothing is held, so nothing is lost: nobody has to look. */
	if (!holds_blocks(space) && (ended || !(watched && watched->why_not[0])))
		return &checks->none;
	is_other = !watched && !checks->options->follow_children;
	checks->none.was_due = !is_other &&
			       ((watched && watched->why_not[0]) || !(space->flags & SPACE_EXEC));
	if (is_other)
		checks->none.why = "only the command, or the processes of -p, are checked; with -f "
				   "their children too";
	else if (watched && watched->why_not[0])
		checks->none.why = watched->why_not;
	else if (space->flags & SPACE_EXEC)
		checks->none.why =
			"it became another program, and only an end of the process is watched";
	else
		checks->none.why = "the tracer came too late to its end";
	return &checks->none;
}

/* Children come and go. */
static void forget_watched(struct leak_checks *checks, pid_t tgid)
{
	for (size_t i = 0; i < checks->nr_watched; i++) {
		if (checks->watched[i].tgid != tgid)
			continue;
		checks->watched[i] = checks->watched[--checks->nr_watched];
		return;
	}
}

void leak_checks__forget(struct leak_checks *checks, const struct space *space)
{
	if (!checks)
		return;
	forget_findings(checks, space);
	if (is_watched_when_found(checks) && space->flags & SPACE_PROCESS_ENDED)
		forget_watched(checks, (pid_t)space->tgid);
}
