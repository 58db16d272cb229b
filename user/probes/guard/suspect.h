/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One process that may be a translator: where our breakpoints can be in it, and how they are taken
 * out. Any thread may call any verb; whoever would have to wait for another one leaves its work to
 * that one. But reading a process's memory waits for its lock, and a process that hardly gets to
 * run, or is about to end, can hold that lock for seconds.
 */
#ifndef SUSPECT_H
#define SUSPECT_H

#include <stdbool.h>
#include <sys/types.h>

#include "probes/guard/breakpoints.h"
#include "probes/guard/guard_budget.h"
#include "probes/guard/process_watch.h"
#include "probes/guard/translator_kind.h"

/* What all suspects go by. */
struct suspect_orders {
	const struct breakpoints *breakpoints;
	const struct process_watch *watch;
	unsigned int round; /* atomic; one higher: all was to be looked at again */
	/* Breakpoints were taken out of it, for the first time. */
	void (*guarded)(pid_t tgid, void *context);
	/* They can't be, or it can't be followed. */
	void (*failed)(pid_t tgid, int error, void *context);
	void *context;
};

enum suspect_work {
	SUSPECT_LOOK = 1 << 0, /* at all that is mapped */
	SUSPECT_CLEAR = 1 << 1, /* the places that are known */
};

struct suspect;

/* Belongs to the caller; looks at nothing yet. NULL and errno. */
struct suspect *suspect__new(pid_t tgid, enum translator_kind kind,
			     const struct suspect_orders *orders);
struct suspect *suspect__ref(struct suspect *suspect);
void suspect__unref(struct suspect *suspect);

pid_t suspect__tgid(const struct suspect *suspect);
int suspect__pidfd(const struct suspect *suspect);
/* What was spent on it; whoever keeps the budget locks. */
struct guard_share *suspect__share(struct suspect *suspect);

/* It mapped something. */
void suspect__mapped(struct suspect *suspect, const struct mapping *map);
/* Adds to what is to be done; a CLEAR is nothing where no place is known. */
void suspect__want(struct suspect *suspect, enum suspect_work work);
/* Is there something to do, and nobody who does it? */
bool suspect__has_work(const struct suspect *suspect);
/* Does what is to be done, unless another thread does. */
void suspect__attend(struct suspect *suspect);
/* Takes out what breakpoints are in it now. Waits for the process if it must. */
void suspect__clear(struct suspect *suspect);

/* It is no translator, or can't be followed. */
bool suspect__is_over(const struct suspect *suspect);
/* The last round of which everything was looked at. */
unsigned int suspect__round(const struct suspect *suspect);

#endif
