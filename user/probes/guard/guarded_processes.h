/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All processes that are translators. They are found when they begin, or, if they run already, when
 * the guard begins. All the guard's work is here, except its dealings with the tracer.
 */
#ifndef GUARDED_PROCESSES_H
#define GUARDED_PROCESSES_H

#include <stdbool.h>
#include <sys/types.h>

#include "probes/guard/breakpoints.h"

struct guarded_processes;

/* Any thread may call these. */
struct guarded_processes_report {
	/* Breakpoints were taken out of the process, for the first time. */
	void (*guarded)(pid_t tgid, void *context);
	/*
	 * Breakpoints can't be taken out, or the process can't be followed. -EBUSY: the process
	 * needs more work than the guard may do.
	 */
	void (*failed)(pid_t tgid, int error, void *context);
	void *context;
};

/*
 * Begins to watch, and looks at the processes that run. There is no free: it ends with the calling
 * process. NULL and errno on failure.
 */
struct guarded_processes *guarded_processes__new(const struct guarded_processes_report *report);

/* Adds a function that will be probed. Returns 0 or -errno. */
int guarded_processes__add_code(struct guarded_processes *processes,
				const struct breakpoint *breakpoint);

/*
 * While probes are being attached, breakpoints appear in running processes, and the kernel makes no
 * record of that. Call at the beginning and at the end of that time; each call looks at every
 * process of the system.
 */
void guarded_processes__set_attaching(struct guarded_processes *processes, bool attaching);
/* While this is true, call guarded_processes__work again and again. */
bool guarded_processes__attaching(const struct guarded_processes *processes);

/* Readable when guarded_processes__work has something to do. */
int guarded_processes__fd(const struct guarded_processes *processes);
void guarded_processes__work(struct guarded_processes *processes);

#endif
