/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Leak checks of the traced processes: of each at its end, and of one that runs whenever a report
 * is due. What a check finds is kept by address space until the reporter asks for it.
 */
#ifndef LEAK_CHECKS_H
#define LEAK_CHECKS_H

#include "code_files.h"
#include "leak_findings.h"
#include "options.h"
#include "probes/tracer.h"
#include "processes/kernel_records.h"
#include "processes/processes.h"

struct leak_checks;

/* Forks the process that stops others: call it early. NULL and errno on failure. */
struct leak_checks *leak_checks__new(const struct options *options);
void leak_checks__free(struct leak_checks *checks);

/* Where blocks are read, and what processes run; all outlive the checks. */
struct leak_check_sources {
	const struct tracer_maps *maps;
	const struct processes *processes;
	const struct code_files *files;
	/*
	 * CLOCK_MONOTONIC, when processes that ran before were probed. While probes went in, a free
	 * can have been missed whose malloc was seen: older blocks may be gone.
	 */
	uint64_t ready_ns;
};
void leak_checks__read_from(struct leak_checks *checks, const struct leak_check_sources *sources);

/* Becomes readable when leak_checks__look has something to do. */
int leak_checks__fd(const struct leak_checks *checks);

/*
 * Watches a process for its end. A process that can't be watched is not checked; its reports say
 * why, and so does a warning.
 */
void leak_checks__add(struct leak_checks *checks, pid_t tgid);

/*
 * Checks the processes that stand at their ends, and lets them go. records: where to read first
 * what a process has mapped since; NULL while a report is written, which must not change under it.
 */
void leak_checks__look(struct leak_checks *checks, struct kernel_records *records);

/* Begins a round of checks of running processes: those of the round before are no longer news. */
void leak_checks__begin_round(struct leak_checks *checks);

/* Checks a process that runs. */
void leak_checks__check(struct leak_checks *checks, const struct space *space);

/* Whether the last round had that process, even if something stood against its check. */
bool leak_checks__was_in_round(const struct leak_checks *checks, const struct space *space);

/*
 * What the last check of that space found, or why there was none: never NULL. ended: only a check
 * at its end will do, unless nothing is held. Valid until the next call.
 */
const struct leak_findings *leak_checks__of(struct leak_checks *checks, const struct space *space,
					    bool ended);

/* Its end was reported. */
void leak_checks__forget(struct leak_checks *checks, const struct space *space);

#endif
