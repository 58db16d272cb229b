/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tracing process's own books: which processes it watches, the threads of each, and how each
 * thread stands. Only plain data; nothing here calls ptrace.
 */
#ifndef WATCHED_THREADS_H
#define WATCHED_THREADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "leaks/interrupted_call.h"
#include "leaks/paused_process.h"

enum thread_state {
	THREAD_RUNS,
	THREAD_STANDS, /* in an event-stop, because its process is to be paused */
	THREAD_LISTENS, /* stopped by SIGSTOP or its like, as its user wants it */
	THREAD_EXITS, /* in its exit-stop, held there */
	THREAD_LEFT, /* let go from its exit-stop; its stack is there until the process ends */
	NR_THREAD_STATES,
};

struct watched_process;

struct watched_thread {
	pid_t tid;
	enum thread_state state; /* set by watched_threads__set_state */
	bool interrupted; /* PTRACE_INTERRUPT was called, and it has not stopped yet */
	bool group_stop; /* while it stands: SIGSTOP or its like stopped it, too */
	struct interrupted_call call;
	struct paused_thread *registers; /* of one that has left */
	struct watched_process *process;
	struct watched_thread *next, **link; /* in the list of its process */
	struct watched_thread *next_of_number; /* in its bucket */
};

struct watched_process {
	pid_t tgid;
	struct watched_thread *threads;
	size_t nr_threads, nr_in[NR_THREAD_STATES];
	bool leader_left; /* its first thread has ended; the others live on */

	/* What the tracer asked for and has no reply to, and until when a pause may take
	 * (CLOCK_MONOTONIC). */
	bool add_asked, pause_asked;
	uint64_t asked_until_ns;

	bool attaching; /* to all of its threads; when to go on with that, and until when */
	uint64_t attach_ns, attach_until_ns;
	uint64_t late_pass_ns; /* when to look for threads that were being made then; 0: done */

	bool paused; /* the tracer was told so */
	bool ending; /* a thread is in its exit-stop, and takes the process with it, as it seems */
	bool at_end; /* all of them are; the tracer is or will be told */
	bool bell_due; /* the tracer must still be told */
	bool unreported_end; /* its end took too long: its threads are not held any more */
	bool leaving; /* it could not be added; its threads are let go as they stop */
	uint64_t ending_since_ns, ending_until_ns;

	uint64_t look_ns, look_interval_ns; /* when to look in /proc what keeps it waiting */
	uint64_t call_ns; /* the first of its threads' deadlines; UINT64_MAX: none */

	struct watched_process *next;
};

#define WATCHED_BUCKETS 8192

struct watched_threads {
	struct watched_process *processes;
	struct watched_thread *buckets[WATCHED_BUCKETS];
};

struct watched_process *watched_threads__find_process(const struct watched_threads *watched,
						      pid_t tgid);

/* Returns the new process, without threads, or NULL when there is no memory. */
struct watched_process *watched_threads__add_process(struct watched_threads *watched, pid_t tgid);

/* With all of its threads. */
void watched_threads__forget_process(struct watched_threads *watched,
				     struct watched_process *process);

struct watched_thread *watched_threads__find(const struct watched_threads *watched, pid_t tid);

/* A thread that runs. Returns NULL when there is no memory, or the process has too many. */
struct watched_thread *watched_threads__add(struct watched_threads *watched,
					    struct watched_process *process, pid_t tid);
void watched_threads__forget(struct watched_threads *watched, struct watched_thread *thread);

void watched_threads__set_state(struct watched_thread *thread, enum thread_state state);

#endif
