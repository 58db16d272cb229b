/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One process that may be a translator: where our breakpoints can be in it, and how they are taken
 * out. Any thread may call any verb; whoever would have to wait for another one leaves its work to
 * that one. But reading a process's memory waits for its lock, and a process that hardly gets to
 * run, or is about to end, can hold that lock for seconds.
 */
#ifndef GUARDED_PROCESS_H
#define GUARDED_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "probes/guard/breakpoints.h"
#include "probes/guard/guard_budget.h"
#include "probes/guard/process_watch.h"
#include "probes/guard/translator_kind.h"

/* What all guarded processes go by. */
struct guard_orders {
	const struct breakpoints *breakpoints;
	const struct process_watch *watch;
	unsigned int round; /* atomic; one higher: all was to be looked at again */
	/* Breakpoints were taken out of it, for the first time. */
	void (*guarded)(pid_t tgid, void *context);
	/* They can't be, or it can't be followed. */
	void (*failed)(pid_t tgid, int error, void *context);
	void *context;
};

enum guard_work {
	GUARD_LOOK = 1 << 0, /* at all that is mapped */
	GUARD_CLEAR = 1 << 1, /* the places that are known */
};

struct guarded_process;

/* Belongs to the caller; looks at nothing yet. NULL and errno. */
struct guarded_process *guarded_process__new(pid_t tgid, enum translator_kind kind,
					     const struct guard_orders *orders);
struct guarded_process *guarded_process__ref(struct guarded_process *process);
void guarded_process__unref(struct guarded_process *process);

pid_t guarded_process__tgid(const struct guarded_process *process);
int guarded_process__pidfd(const struct guarded_process *process);
/* What was spent on it; whoever keeps the budget locks. */
struct guard_share *guarded_process__share(struct guarded_process *process);

/* It mapped something. */
void guarded_process__mapped(struct guarded_process *process, const struct mapping *map);
/* Adds to what is to be done; a CLEAR is nothing where no place is known. */
void guarded_process__want(struct guarded_process *process, enum guard_work work);
/* Is there something to do, and nobody who does it? */
bool guarded_process__has_work(const struct guarded_process *process);
/* Does what is to be done, unless another thread does. */
void guarded_process__attend(struct guarded_process *process);
/* Takes out what breakpoints are in it now. Waits for the process if it must. */
void guarded_process__clear(struct guarded_process *process);

/* It is no translator, or can't be followed. */
bool guarded_process__is_over(const struct guarded_process *process);
/* The last round of which everything was looked at. */
unsigned int guarded_process__round(const struct guarded_process *process);

#endif
