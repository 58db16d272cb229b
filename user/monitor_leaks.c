// SPDX-License-Identifier: GPL-2.0
/* See monitor_state.h. Leak checks: what they need from the beginning to the end of a run. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
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
