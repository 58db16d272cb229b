/* SPDX-License-Identifier: GPL-2.0 */
/* Stops all threads of a watched process at the tracer's request, and lets them go on. */
#ifndef PROCESS_PAUSE_H
#define PROCESS_PAUSE_H

#include "leaks/tracing_state.h"

/* Interrupts all threads. The reply comes when all of them stand, or after a second. */
void process_pause__begin(struct tracing *tracing, struct watched_process *process);

/* Replies if all threads stand by now. */
void process_pause__check(struct tracing *tracing, struct watched_process *process);

/* Gives up, after a second. */
void process_pause__look(struct tracing *tracing, struct watched_process *process, uint64_t now_ns);

/* Lets all threads that stand go on. */
void process_pause__end(struct tracing *tracing, struct watched_process *process);

/*
 * The registers of the threads that stand, or are held in their exit-stops, and then of those that
 * have left them. Returns 0, -ESRCH when a SIGKILL has made one of them go on and all were asked
 * for, or -ENOMEM.
 */
int process_pause__collect(const struct watched_process *process, bool all,
			   struct paused_thread **threads, size_t *nr_threads);

/*
 * Forgets a first thread that was attached to as it ended: it never stops, and the kernel tells of
 * it only when all others have ended, too.
 */
void process_pause__forget_dead_leader(struct tracing *tracing, struct watched_process *process);

#endif
