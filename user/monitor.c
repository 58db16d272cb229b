// SPDX-License-Identifier: GPL-2.0
/* See monitor.h. The loop, and the reports at intervals. monitor_state.h lists the other parts. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "allocators/allocator_names.h"
#include "allocators/defined_functions.h"
#include "allocators/file_functions.h"
#include "base/log.h"
#include "books/snapshot.h"
#include "exit_code.h"
#include "monitor_state.h"
#include "notify.h"

static void report_outstanding(struct monitor *monitor)
{
	const struct followed *followed = &monitor->followed;
	struct space *spaces;
	size_t nr, nr_gathered = 0;

	monitor_leaks__check(monitor);
	reporter__begin_interval(monitor->reporter);
	if (snapshot__read_live(monitor->maps, &spaces, &nr))
		return reporter__end_interval(monitor->reporter);
	kernel_records__drain(monitor->records);
	reporter__sort_by_growth(monitor->reporter, spaces, nr);
	if (monitor->options->mode == MODE_SYSTEM) {
		reporter__ranking(monitor->reporter, spaces, nr);
		nr = monitor_leaks__find_checked(monitor, spaces, nr);
	}
	for (size_t i = 0; i < nr; i++) {
		size_t nr_left = nr - i;

		if (i == nr_gathered) {
			/*
			 * Somebody asks to stop: the last report will list the rest, unless this is
			 * the last.
			 */
			if (reporter__gather(monitor->reporter, &spaces[i], &nr_left) == -EINTR)
				break;
			nr_gathered = i + nr_left;
		}
		reporter__outstanding(monitor->reporter, &spaces[i]);
		monitor_holds__catch_up(monitor);
	}
	reporter__free_gathered(monitor->reporter);
	reporter__end_interval(monitor->reporter);
	for (size_t j = 0; j < followed->nr; j++)
		if (monitor_targets__is_idle(monitor, j, spaces, nr))
			reporter__nothing_yet(monitor->reporter, followed->process[j].tgid);
	free(spaces);
}

/* Looks at everything that can have changed. */
static void look(struct monitor *monitor)
{
	monitor_holds__catch_up(monitor);
	leak_checks__look(monitor->leaks.checks, monitor->records);
	monitor_upkeep__look_at_written(monitor);
	kernel_records__drain(monitor->records);
	monitor_upkeep__retry_files(monitor);
	monitor_records__consume(monitor);
	monitor_living__look(monitor);
	monitor_holds__catch_up(monitor);
	monitor_ends__report(monitor);
	reporter__flush(monitor->reporter);
}

/* All reports so far are whole: signals are read between them. */
static void reopen_outputs(struct monitor *monitor)
{
	monitor->signals.reopen_asked = false;
	outputs__reopen(monitor->outputs);
}

static void read_interval(struct monitor *monitor)
{
	uint64_t expirations;

	if (read(monitor->interval_fd, &expirations, sizeof(expirations)) != sizeof(expirations))
		return;
	if (monitor->options->count && monitor->nr_intervals >= monitor->options->count)
		return;
	look(monitor);
	report_outstanding(monitor);
	monitor->nr_intervals++;
	if (monitor->nr_intervals == monitor->options->count &&
	    monitor->options->mode != MODE_COMMAND)
		monitor->finished = true;
}

static int output_status(struct monitor *monitor)
{
	int err = outputs__status(monitor->outputs);

	if (!err)
		return STATUS_OK;
	return err == -EPIPE ? STATUS_NO_READER : STATUS_OUTPUT;
}

static void read_signals(struct monitor *monitor)
{
	monitor_signals__read(monitor);
	/* The request to stop is seen to; the last report may still wait for its reader. */
	monitor->signals.stop_asked = false;
}

/* A user asked for a leak check by SIGUSR1. */
static void check_leaks(struct monitor *monitor)
{
	monitor->signals.check_asked = false;
	report_outstanding(monitor);
	reporter__flush(monitor->reporter);
}

static void report_once(struct monitor *monitor)
{
	look(monitor);
	report_outstanding(monitor);
	monitor->finished = true;
}

static int follow(struct monitor *monitor)
{
	int status = STATUS_OK;

	if (monitor->options->once)
		report_once(monitor);
	while (!monitor->signals.stopping && !monitor->finished) {
		struct epoll_event ready[8];
		int nr = epoll_wait(monitor->epoll_fd, ready, 8, TICK_MS);

		if (nr < 0 && errno != EINTR)
			return STATUS_FAILED;
		for (int i = 0; i < nr; i++) {
			if (ready[i].data.fd == monitor->signals.fd)
				read_signals(monitor);
			else if (ready[i].data.fd == monitor->interval_fd)
				read_interval(monitor);
		}
		if (monitor->signals.reopen_asked)
			reopen_outputs(monitor);
		look(monitor);
		if (monitor->signals.check_asked)
			check_leaks(monitor);
		status = output_status(monitor);
		if (status)
			break;
		if (monitor->options->mode != MODE_SYSTEM && monitor_ends__are_complete(monitor))
			break;
		monitor_upkeep__run(monitor);
	}
	return status;
}

/* With a command, only the command tells: it has inherited the socket. */
static void tell_manager(const struct options *options, const char *state)
{
	int err;

	if (options->mode == MODE_COMMAND)
		return;
	err = notify__send(getenv("NOTIFY_SOCKET"), state);
	if (err)
		log__warning("cannot tell the service manager (NOTIFY_SOCKET) %s: %s", state,
			     strerror(-err));
}

/* A mistyped prefix would leave out, unseen, the very blocks that were asked for. */
static void tell_unused_prefixes(const struct options *options)
{
	for (size_t i = 0; i < options->nr_symbol_prefixes; i++) {
		const char *prefix = options->symbol_prefixes[i];

		if (!allocator_names__was_noted(prefix))
			log__warning(
				"no file that was looked into has functions %smalloc and %sfree (-S %s)",
				prefix, prefix, prefix);
	}
}

static void tell_unused_objects(const struct options *options)
{
	for (size_t i = 0; i < options->nr_objects; i++)
		if (!file_functions__was_found(options->objects[i]))
			log__warning("no process that was traced maps an allocator in %s (-O)",
				     options->objects[i]);
}

/* The same goes for a definition of --alloc or --free. */
static void tell_unused_definitions(void)
{
	const struct definition *definition;
	const char *problem;

	for (size_t i = 0; i < defined_functions__nr(); i++) {
		problem = defined_functions__problem(i, &definition);
		if (problem)
			log__warning("%s:%s was not probed: %s", definition->object,
				     definition->function, problem);
	}
}

/* The last reports, and the sums over the run. */
static int report_the_end(struct monitor *monitor)
{
	const struct options *options = monitor->options;

	if (!monitor->finished && monitor->signals.stopping &&
	    (options->mode != MODE_SYSTEM || options->interval_s > 0 || options->leak_check))
		report_outstanding(monitor);
	monitor_ends__count_unreported(monitor);
	monitor->lost.by_cause[LOSS_MAPPING_RECORD] = kernel_records__lost(monitor->records);
	reporter__total(monitor->reporter, &monitor->lost);
	reporter__end(monitor->reporter);
	tell_unused_prefixes(options);
	tell_unused_objects(options);
	tell_unused_definitions();
	return output_status(monitor);
}

/* Returns the exit status of the run: the command's, when it has ended and nothing else failed. */
static int leave_command(struct monitor *monitor, int status)
{
	/* This comes late, so that a process that only needs a moment to end is not told of. */
	if (status == STATUS_OK && command__reap(&monitor->command))
		descendants__tell(&monitor->descendants);
	if (status == STATUS_OUTPUT || status == STATUS_NO_READER)
		monitor_signals__wait_for_command(monitor);
	if ((status == STATUS_OK || status == STATUS_NO_READER) && monitor->command.pid &&
	    command__reap(&monitor->command))
		return command__exit_status(&monitor->command);
	return status;
}

/* Tells what --fail-on asked about, and what of it the exit status does not say. */
static int judge(const struct monitor *monitor, int status)
{
	const struct options *options = monitor->options;
	struct broken_rules broken = *reporter__broken_rules(monitor->reporter);
	char line[256];

	broken_rules__add_leaks(&broken, &options->fail_on, monitor->leaks.found.kinds);
	for (int i = 0; i < NR_FAIL_RULES; i++)
		if (broken_rules__tell(&broken, (enum fail_rule)i, line, sizeof(line)))
			log__error("%s", line);
	if (broken.unknown_held)
		log__error("--fail-on held: it is not known what %llu of the processes held",
			   (unsigned long long)broken.unknown_held);
	return exit_code__of_run(options, &monitor->leaks.found, &broken, status);
}

int monitor__run(const struct options *options)
{
	struct monitor *monitor;
	int status = monitor_setup__new(&monitor, options);

	if (status == STATUS_OK) {
		tell_manager(options, NOTIFY_READY);
		status = follow(monitor);
		tell_manager(options, NOTIFY_STOPPING);
		look(monitor);
		if (status == STATUS_OK)
			status = report_the_end(monitor);
		monitor_setup__detach(monitor);
		status = leave_command(monitor, status);
		status = judge(monitor, status);
	}
	monitor_setup__free(monitor);
	return status;
}
