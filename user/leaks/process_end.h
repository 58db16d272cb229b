/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The end of a watched process. Each thread that ends comes to an exit-stop. When all of them are
 * there, and not before, the process stands at its end: its memory is still as its threads left it.
 * They are held there until the tracer has looked.
 */
#ifndef PROCESS_END_H
#define PROCESS_END_H

#include "leaks/tracing_state.h"

/* A thread is in its exit-stop. It goes on, and is forgotten, if only it ends. */
void process_end__thread_exits(struct tracing *tracing, struct watched_thread *thread);

/*
 * While a process ends: tells the tracer once all threads are in their exit-stops. When it does not
 * end after all, because another thread's exec ended them, or when that takes more than a second,
 * they go on. Was the other thread not attached to, the process is to be attached to again.
 */
void process_end__check(struct tracing *tracing, struct watched_process *process, uint64_t now_ns);

/* A process that was paused while its end began: the time for that begins now. */
void process_end__resume(struct tracing *tracing, struct watched_process *process);

/* Tells the tracer. When the bell takes no more, bell_due stays set. */
void process_end__ring(struct tracing *tracing, struct watched_process *process);

/* Lets a process go on to its end, and forgets it. */
void process_end__release(struct tracing *tracing, struct watched_process *process);

/* Lets threads go on that are held in exit-stops. */
void process_end__give_up(struct tracing *tracing, struct watched_process *process);

#endif
