/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All processes that are translators: found when they begin, or when we do. The whole
 * work of the guard but for its dealings with the tracer.
 */
#ifndef GUARDED_PROCESSES_H
#define GUARDED_PROCESSES_H

#include <stdbool.h>
#include <sys/types.h>

#include "probes/guard/breakpoints.h"

struct guarded_processes;

/* Called by any thread. */
struct guarded_processes_report {
	/* Breakpoints were taken out of it, for the first time. */
	void (*guarded)(pid_t tgid, void *context);
	/* They can't be, or it can't be followed; -EBUSY: the guard may not work as much as it
	 * takes. */
	void (*failed)(pid_t tgid, int error, void *context);
	void *context;
};

/* Begins to watch, and looks at what runs; ends with the process. NULL and errno on failure. */
struct guarded_processes *guarded_processes__new(const struct guarded_processes_report *report);

/* A function that will be probed. Returns 0 or -errno. */
int guarded_processes__add_code(struct guarded_processes *processes,
				const struct breakpoint *breakpoint);

/*
 * While probes are being attached, breakpoints come up in what runs without a record of the kernel.
 * Looks at every process of the system, at the beginning and at the end of that time.
 */
void guarded_processes__set_attaching(struct guarded_processes *processes, bool attaching);
/* Then guarded_processes__work is to be called again and again. */
bool guarded_processes__attaching(const struct guarded_processes *processes);

/* Readable when guarded_processes__work has something to do. */
int guarded_processes__fd(const struct guarded_processes *processes);
void guarded_processes__work(struct guarded_processes *processes);

#endif
