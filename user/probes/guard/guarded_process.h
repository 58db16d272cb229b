/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One process that may be a translator: the places where it can have our breakpoints, and taking
 * them out. Any thread may call any function. If another thread is at work on the process, the work
 * is left to that thread. But reading a process's memory waits for the process's lock, and a
 * process that hardly gets to run, or is about to end, can hold that lock for seconds.
 */
#ifndef GUARDED_PROCESS_H
#define GUARDED_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "probes/guard/breakpoints.h"
#include "probes/guard/guard_budget.h"
#include "probes/guard/process_watch.h"
#include "probes/guard/translator_kind.h"

/* Shared by all guarded processes. */
struct guard_orders {
	const struct breakpoints *breakpoints;
	const struct process_watch *watch;
	unsigned int round; /* atomic; raised when every process is to be looked at again */
	/* Breakpoints were taken out of the process, for the first time. */
	void (*guarded)(pid_t tgid, void *context);
	/* Breakpoints can't be taken out, or the process can't be followed. */
	void (*failed)(pid_t tgid, int error, void *context);
	void *context;
};

enum guard_work {
	GUARD_LOOK = 1 << 0, /* look at all mappings */
	GUARD_CLEAR = 1 << 1, /* take breakpoints out of the known places */
};

struct guarded_process;

/* The caller owns it. It looks at nothing yet. NULL and errno on failure. */
struct guarded_process *guarded_process__new(pid_t tgid, enum translator_kind kind,
					     const struct guard_orders *orders);
struct guarded_process *guarded_process__ref(struct guarded_process *process);
void guarded_process__unref(struct guarded_process *process);

pid_t guarded_process__tgid(const struct guarded_process *process);
int guarded_process__pidfd(const struct guarded_process *process);
/* The time spent on it. The owner of the budget locks. */
struct guard_share *guarded_process__share(struct guarded_process *process);

/* Call when the process has mapped something. */
void guarded_process__mapped(struct guarded_process *process, const struct mapping *map);
/* Adds to the work to do. A CLEAR is ignored while no place is known. */
void guarded_process__want(struct guarded_process *process, enum guard_work work);
/* Is there work that no thread is doing? */
bool guarded_process__has_work(const struct guarded_process *process);
/* Does the work, unless another thread does it. */
void guarded_process__attend(struct guarded_process *process);
/* Takes out all breakpoints at known places now. Waits for the process's lock if it must. */
void guarded_process__clear(struct guarded_process *process);

/* Is the process no translator, or can it not be followed? */
bool guarded_process__is_over(const struct guarded_process *process);
/* The last round in which all mappings were looked at. */
unsigned int guarded_process__round(const struct guarded_process *process);

#endif
