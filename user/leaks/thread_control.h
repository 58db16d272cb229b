/* SPDX-License-Identifier: GPL-2.0 */
/* The ptrace requests that make a watched thread stop or go on. */
#ifndef THREAD_CONTROL_H
#define THREAD_CONTROL_H

#include "leaks/tracing_state.h"

/* The thread will stop. Returns 0, or -ESRCH: it is not ours, or gone. */
int thread_control__interrupt(struct watched_thread *thread);

/*
 * A thread in a stop goes on, with a signal or 0. While its process is paused, or is to be, it
 * comes to an event-stop before it runs any of its code.
 */
void thread_control__go_on(struct tracing *tracing, struct watched_thread *thread, int signal);

/* A thread in an event-stop goes on, or stays as SIGSTOP or its like stopped it. */
void thread_control__leave_event_stop(struct tracing *tracing, struct watched_thread *thread);

/* A thread in a stop goes on, with a signal or 0, and is watched no longer. */
void thread_control__detach(struct tracing *tracing, struct watched_thread *thread, int signal);

/* The same from its exit-stop, for one whose registers are kept. */
void thread_control__let_end(struct watched_thread *thread);

/* The timeouts of calls that were restarted (interrupted_call.h). */
void thread_control__look_at_calls(struct tracing *tracing, struct watched_process *process,
				   uint64_t now_ns);

#endif
