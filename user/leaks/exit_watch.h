/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Stops traced processes: all threads of one at its end, before the kernel takes its memory, and on
 * demand while it runs. It uses ptrace, from a process of its own: if the tracer dies, that process
 * lets everything go; if it dies itself, the kernel does. Neither leaves a target stopped.
 */
#ifndef EXIT_WATCH_H
#define EXIT_WATCH_H

#include <stdbool.h>
#include <sys/types.h>

#include "leaks/paused_process.h"

struct exit_watch;

/*
 * Starts the tracing process. Call it early: it is a fork. follow: children that a watched process
 * makes are watched too, and theirs. NULL and errno on failure.
 */
struct exit_watch *exit_watch__new(bool follow);

/* Lets all processes go on, and ends the tracing process. */
void exit_watch__free(struct exit_watch *watch);

/* Becomes readable when a process stands at its end. */
int exit_watch__fd(const struct exit_watch *watch);

/*
 * Watches a process, with all threads that it has and will have. Returns 0, -ESRCH when it has
 * ended, -EPERM when it may not be traced, -EBUSY when another debugger traces it (whose number is
 * in *tracer, when that is not NULL), or -errno.
 */
int exit_watch__add(struct exit_watch *watch, pid_t tgid, pid_t *tracer);

/*
 * Stops all threads of a watched process. The caller reads what it needs, soon, and resumes it.
 * Returns 0, -ESRCH when it has ended, -ETIMEDOUT when a thread could not be stopped within a
 * second (a kernel call holds it; nothing is left stopped), or -errno. paused_process__free
 * releases *paused.
 */
int exit_watch__pause(struct exit_watch *watch, pid_t tgid, struct paused_process *paused);

/*
 * A process that stands at its end: 1 and *paused, or 0 when there is none. Or -errno: -EPIPE when
 * the tracing process is gone.
 */
int exit_watch__next_end(struct exit_watch *watch, struct paused_process *paused);

/*
 * Lets a paused process go on. One that stood at its end is watched no longer. Returns 0, or -errno
 * when it did not stand still until now: it was killed, or the tracer itself was stopped, and
 * nobody waits for a stopped tracer.
 */
int exit_watch__resume(struct exit_watch *watch, pid_t tgid);

void paused_process__free(struct paused_process *paused);

#endif
