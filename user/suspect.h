/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One process that is a translator, and threads that keep breakpoints out of it. Each
 * process has threads of its own because reading its memory waits for its lock, and a process that
 * hardly gets to run, or is about to end, can hold that lock for seconds: then only they wait.
 */
#ifndef SUSPECT_H
#define SUSPECT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "breakpoints.h"

/* What all suspects' threads go by; the main one sets it. */
struct suspect_orders {
	const struct breakpoints *breakpoints;
	unsigned int round; /* one higher: look at all mappings again */
	int news_fd; /* an eventfd: one has ended or has caught up with the round */
};

struct suspect_report {
	/* Breakpoints were taken out of it, for the first time. Called by its threads, as below. */
	void (*guarded)(pid_t tgid, void *context);
	/* They can't be, or it can't be followed. */
	void (*failed)(pid_t tgid, int error, void *context);
	/* It forked a process that maps things. */
	void (*child)(pid_t tgid, void *context);
	void *context;
};

struct suspect;

/* Follows a translator to its end. NULL and errno. */
struct suspect *suspect__new(pid_t tgid, struct suspect_orders *orders,
			     const struct suspect_report *report);
/* Ends the threads, which may take long. */
void suspect__stop(struct suspect *suspect);
/* Have its threads ended? Then it can be freed without waiting. */
bool suspect__ended(const struct suspect *suspect);
void suspect__free(struct suspect *suspect);

pid_t suspect__tgid(const struct suspect *suspect);
/* Makes it see new orders. */
void suspect__wake(struct suspect *suspect);
/* Takes out what breakpoints are in it now. Waits for the process if it must. */
void suspect__clear(struct suspect *suspect);
/* The last round of which everything was looked at. */
unsigned int suspect__round(const struct suspect *suspect);

#endif
