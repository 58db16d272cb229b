// SPDX-License-Identifier: GPL-2.0
/* See monitor_state.h. Leak checks: what they need from the beginning to the end of a run. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "books/snapshot.h"
#include "monitor_state.h"
#include "report/suppressions.h"

static int read_suppressions(struct suppressions *suppressions, const char *name)
{
	char error[512];
	FILE *in = fopen(name, "re");
	int err;

	if (!in) {
		log__error("cannot read the suppressions of %s: %s", name, strerror(errno));
		return STATUS_USAGE;
	}
	err = suppressions__read(suppressions, name, in, error, sizeof(error));
	fclose(in);
	if (!err)
		return STATUS_OK;
	log__error("%s", error);
	return err == -EINVAL ? STATUS_USAGE : STATUS_FAILED;
}

int monitor_leaks__begin(struct monitor *monitor)
{
	const struct options *options = monitor->options;
	struct leak_reporting *leaks = &monitor->leaks;
	int status = STATUS_OK;

	if (options->leak_check == LEAK_CHECK_NO)
		return STATUS_OK;
	if (options->nr_suppressions) {
		leaks->suppressions = suppressions__new();
		if (!leaks->suppressions) {
			log__error("out of memory");
			return STATUS_FAILED;
		}
	}
	for (size_t i = 0; i < options->nr_suppressions && !status; i++)
		status = read_suppressions(leaks->suppressions, options->suppressions[i]);
	if (status)
		return status;
	leaks->checks = leak_checks__new(options);
	if (leaks->checks)
		return STATUS_OK;
	log__error("cannot start the process that stops others for a leak check: %s",
		   strerror(errno));
	return STATUS_FAILED;
}

void monitor_leaks__watch(struct monitor *monitor)
{
	struct leak_checks *checks = monitor->leaks.checks;

	if (!checks)
		return;
	leak_checks__read_from(checks,
			       &(struct leak_check_sources){ .maps = monitor->maps,
							     .processes = monitor->processes,
							     .files = &monitor->files,
							     .ready_ns = monitor->ready_ns });
	for (size_t i = 0; i < monitor->followed.nr; i++)
		leak_checks__add(checks, monitor->followed.process[i].tgid);
}

static int by_held_bytes(const void *a, const void *b)
{
	const struct space *one = a, *other = b;

	return (one->held_bytes < other->held_bytes) - (one->held_bytes > other->held_bytes);
}

size_t monitor_leaks__find_checked(const struct monitor *monitor, struct space *spaces, size_t nr)
{
	size_t nr_checked = 0;

	if (!monitor->leaks.checks)
		return 0;
	qsort(spaces, nr, sizeof(*spaces), by_held_bytes);
	for (size_t i = 0; i < nr; i++)
		if (leak_checks__was_in_round(monitor->leaks.checks, &spaces[i]))
			spaces[nr_checked++] = spaces[i];
	return nr_checked;
}

/* Sorts those of the whole system that hold the most to the front. Returns how many they are. */
static size_t choose_largest(const struct monitor *monitor, struct space *spaces, size_t nr)
{
	size_t nr_chosen = 0;

	qsort(spaces, nr, sizeof(*spaces), by_held_bytes);
	while (nr_chosen < nr && nr_chosen < options__nr_shown(monitor->options) &&
	       spaces[nr_chosen].held_blocks)
		nr_chosen++;
	return nr_chosen;
}

/* One that has made no call since the attach has no record, but its allocator can tell of it. */
static void check_idle(struct monitor *monitor, const struct space *spaces, size_t nr)
{
	const struct followed *followed = &monitor->followed;

	for (size_t i = 0; i < followed->nr; i++) {
		const struct space idle = { .tgid = (uint32_t)followed->process[i].tgid,
					    .flags = SPACE_LATE };

		if (monitor_targets__is_idle(monitor, i, spaces, nr))
			leak_checks__check(monitor->leaks.checks, &idle);
	}
}

/* Before what is held is read: what is lost is a part of that. */
void monitor_leaks__check(struct monitor *monitor)
{
	struct space *spaces;
	size_t nr, nr_checked;

	if (!monitor->leaks.checks || snapshot__read_live(monitor->maps, &spaces, &nr))
		return;
	nr_checked = monitor->options->mode == MODE_SYSTEM ? choose_largest(monitor, spaces, nr) :
							     nr;
	leak_checks__begin_round(monitor->leaks.checks);
	for (size_t i = 0; i < nr_checked; i++) {
		leak_checks__check(monitor->leaks.checks, &spaces[i]);
		/* Those that come to their ends meanwhile must not wait for all others. */
		leak_checks__look(monitor->leaks.checks, monitor->records);
	}
	check_idle(monitor, spaces, nr);
	free(spaces);
}

void monitor_leaks__end(struct monitor *monitor)
{
	leak_checks__free(monitor->leaks.checks);
	monitor->leaks.checks = NULL;
}

void monitor_leaks__free(struct monitor *monitor)
{
	monitor_leaks__end(monitor);
	suppressions__free(monitor->leaks.suppressions);
	monitor->leaks.suppressions = NULL;
}
