/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All processes that are translators: found when they begin, or when we do. The whole
 * work of the guard but for its dealings with the tracer.
 */
#ifndef SUSPECTS_H
#define SUSPECTS_H

#include <stdbool.h>
#include <sys/types.h>

#include "probes/guard/breakpoints.h"

struct suspects;

/* Called by any thread. */
struct suspects_report {
	/* Breakpoints were taken out of it, for the first time. */
	void (*guarded)(pid_t tgid, void *context);
	/* They can't be, or it can't be followed; -EBUSY: the guard may not work as much as it
	 * takes. */
	void (*failed)(pid_t tgid, int error, void *context);
	void *context;
};

/* Begins to watch, and looks at what runs; ends with the process. NULL and errno on failure. */
struct suspects *suspects__new(const struct suspects_report *report);

/* A function that will be probed. Returns 0 or -errno. */
int suspects__add_code(struct suspects *suspects, const struct breakpoint *breakpoint);

/*
 * While probes are being attached, breakpoints come up in what runs without a record of the kernel.
 * Looks at every process of the system, at the beginning and at the end of that time.
 */
void suspects__set_attaching(struct suspects *suspects, bool attaching);
/* Then suspects__work is to be called again and again. */
bool suspects__attaching(const struct suspects *suspects);

/* Readable when suspects__work has something to do. */
int suspects__fd(const struct suspects *suspects);
void suspects__work(struct suspects *suspects);

#endif
