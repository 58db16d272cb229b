/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Processes for the tests of exit_watch: each is forked, runs a function and shares memory with the
 * test. It dies with the test.
 */
#ifndef WATCHED_CHILD_H
#define WATCHED_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "leaks/exit_watch.h"

#define CHILD_COUNTERS 2048

/* Memory that the test and all of its children see. All zero for each new child. */
struct watched_child_shared {
	volatile uint64_t counters[CHILD_COUNTERS];
	volatile uint64_t handlers, interruptions, calls, result, words[8];
	volatile int ready, go, failed;
};

extern struct watched_child_shared *child_shared;

/* Forks a child that runs the function and ends with what it returns. */
pid_t watched_child__start(int (*run)(void));

/* As above, and waits until the child has set child_shared->ready to so many. */
pid_t watched_child__start_ready(int (*run)(void), int nr_ready);

/* Kills and reaps. */
void watched_child__kill(pid_t pid);

/* The same for one that is watched: it stands at its end in between. */
void watched_child__end(struct exit_watch *watch, pid_t pid);

/* Its wait status, within some seconds; fails the test otherwise. */
int watched_child__reap(pid_t pid);

/* In a child: the thread that increments one counter for ever. */
void *watched_child__count(void *index);

/* Starts so many of them in the calling process, with the counters from first on. */
void watched_child__start_counting(size_t first, size_t nr);

/* Polls a condition up to half a minute, for a busy machine. */
#define watched_child__await(condition)                                                      \
	({                                                                                   \
		bool await_is = false;                                                       \
		for (int await_round = 0; await_round < 100000 && !(await_is = (condition)); \
		     await_round++)                                                          \
			usleep(200);                                                         \
		await_is;                                                                    \
	})

/* A number of /proc/TID/status, or -1; the state as a letter, or 0. */
long watched_child__status(pid_t tid, const char *field);
char watched_child__state(pid_t tid);

/* The system call that a thread waits in, or -1. */
long watched_child__call(pid_t tid);

/* Does it run on, untraced and not stopped? Its counter must grow. */
bool watched_child__runs_free(pid_t pid, size_t counter);

/* A pause that succeeds, at last; a busy machine may have no time for one. */
void watched_child__pause(struct exit_watch *watch, pid_t pid, struct paused_process *paused);

/* Waits for an end at the watch's descriptor; fails the test if it does not come. */
void watched_child__take_end(struct exit_watch *watch, struct paused_process *paused);

#endif
