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

/* As above, and watches it. */
pid_t watched_child__start_watched(struct exit_watch *watch, int (*run)(void), int nr_ready);

/* Kills and reaps. */
void watched_child__kill(pid_t pid);

/* The same for one that is watched: it stands at its end in between. */
void watched_child__end(struct exit_watch *watch, pid_t pid);

/* Its wait status, within some seconds; fails the test otherwise. */
int watched_child__reap(pid_t pid);

/* In a child: tells the test that one thread more is ready, by child_shared->ready. */
void watched_child__say_ready(void);

/* In a child: waits until the test sets child_shared->go. */
void watched_child__wait_for_go(void);

/* In a child: says that it is ready, then waits. */
void watched_child__stand_by(void);

/* In a child: the thread that says it is ready, and increments one counter for ever. */
void *watched_child__count(void *index);

/* In a child: the thread that says it is ready, and sleeps for ever. */
void *watched_child__sleep(void *unused);

/* Starts so many threads in the calling process. Their arguments are the numbers from first on. */
void watched_child__start_threads(void *(*run)(void *), size_t first, size_t nr);

/* Starts so many that count, with the counters from first on. */
void watched_child__start_counting(size_t first, size_t nr);

/*
 * Starts a thread that keeps tracers away: the kernel attaches nobody to it. A process can have
 * one, since its stack is static.
 */
void watched_child__start_untraced(int (*run)(void *));

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

/* Lets a paused process go on, be it to its end, and frees *paused. */
void watched_child__resume(struct exit_watch *watch, struct paused_process *paused);

/* Pauses, as above, and resumes at once. */
void watched_child__pause_once(struct exit_watch *watch, pid_t pid);

/* Does a process stand at its end that take_end would find? */
bool watched_child__has_end(const struct exit_watch *watch);

/* Waits for an end at the watch's descriptor; fails the test if it does not come. */
void watched_child__take_end(struct exit_watch *watch, struct paused_process *paused);

#endif
