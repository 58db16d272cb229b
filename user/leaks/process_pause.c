// SPDX-License-Identifier: GPL-2.0
/* See process_pause.h. */
#include "leaks/process_pause.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "leaks/thread_control.h"
#include "leaks/thread_registers.h"
#include "leaks/thread_seizing.h"
#include "leaks/thread_status.h"

#define FIRST_LOOK_NS (10 * NS_PER_S / 1000)

/* One that can't be interrupted has just been killed, or has its process's number after an exec. */
static void interrupt_all(struct watched_process *process)
{
	for (struct watched_thread *thread = process->threads; thread; thread = thread->next)
		if (thread->state == THREAD_RUNS || thread->state == THREAD_LISTENS)
			thread_control__interrupt(thread);
}

void process_pause__begin(struct tracing *tracing, struct watched_process *process)
{
	uint64_t now_ns = clock__monotonic_ns();

	process->pause_asked = true;
	process->asked_until_ns = now_ns + TRACING_LIMIT_NS;
	process->look_interval_ns = FIRST_LOOK_NS;
	process->look_ns = now_ns + process->look_interval_ns;
	tracing__wake_at(tracing, process->look_ns);
	interrupt_all(process);
}

void process_pause__end(struct tracing *tracing, struct watched_process *process)
{
	process->pause_asked = false;
	process->paused = false;
	for (struct watched_thread *thread = process->threads; thread; thread = thread->next)
		if (thread->state == THREAD_STANDS)
			thread_control__leave_event_stop(tracing, thread);
}

/* Those that have left come last: the first of the list has the process's memory. */
int process_pause__collect(const struct watched_process *process, bool all,
			   struct paused_thread **threads, size_t *nr_threads)
{
	struct paused_thread *found = malloc(process->nr_threads * sizeof(*found));
	const struct watched_thread *thread;
	size_t nr = 0;
	int err = 0;

	if (!found)
		return -ENOMEM;
	for (thread = process->threads; thread && !err; thread = thread->next) {
		if (thread->state == THREAD_LEFT)
			continue;
		err = thread_registers__read(thread->tid, &found[nr]);
		nr += !err;
		if (!all)
			err = 0;
	}
	if (!err && !nr)
		err = -ESRCH;
	if (err) {
		free(found);
		return err;
	}
	for (thread = process->threads; thread; thread = thread->next)
		if (thread->state == THREAD_LEFT)
			found[nr++] = *thread->registers;
	*threads = found;
	*nr_threads = nr;
	return 0;
}

static void fail(struct tracing *tracing, struct watched_process *process, int err)
{
	process_pause__end(tracing, process);
	tracing__reply(tracing, err);
}

/*
 * Threads that were made past us, by clone flags that keep tracers away, are found now. Returns
 * whether there are none.
 */
static bool is_complete(struct tracing *tracing, struct watched_process *process)
{
	size_t nr_new;
	pid_t tracer;
	int err = thread_seizing__pass(tracing, process, &nr_new, &tracer);

	if (err == -EAGAIN)
		tracing__wake_at(tracing, process->look_ns);
	else if (err)
		fail(tracing, process, err);
	else if (nr_new)
		interrupt_all(process);
	return !err && !nr_new;
}

void process_pause__check(struct tracing *tracing, struct watched_process *process)
{
	struct watch_reply reply = { 0 };
	struct paused_thread *threads;
	size_t nr_threads;
	int err;

	if (process->nr_in[THREAD_RUNS] || process->nr_in[THREAD_LISTENS] ||
	    !is_complete(tracing, process))
		return;
	reply.paused_ns = clock__monotonic_ns();
	err = process_pause__collect(process, true, &threads, &nr_threads);
	/* A thread was killed while it stood: its exit-stop will be told. */
	if (err == -ESRCH)
		return;
	if (err) {
		fail(tracing, process, err);
		return;
	}
	process->pause_asked = false;
	process->paused = true;
	reply.nr_threads = (uint32_t)nr_threads;
	reply_stream__begin(&tracing->replies, &reply, threads);
}

void process_pause__forget_dead_leader(struct tracing *tracing, struct watched_process *process)
{
	struct watched_thread *leader = watched_threads__find(&tracing->watched, process->tgid);
	struct thread_status status;

	if (!leader || leader->state != THREAD_RUNS || thread_status__read(leader->tid, &status) ||
	    !thread_status__is_dead(&status))
		return;
	process->leader_left = true;
	watched_threads__forget(&tracing->watched, leader);
}

void process_pause__look(struct tracing *tracing, struct watched_process *process, uint64_t now_ns)
{
	if (now_ns >= process->asked_until_ns) {
		fail(tracing, process, -ETIMEDOUT);
		return;
	}
	/* While the process ends, process_end.c looks. */
	if (now_ns >= process->look_ns && !process->ending) {
		process_pause__forget_dead_leader(tracing, process);
		process->look_interval_ns *= 2;
		process->look_ns = now_ns + process->look_interval_ns;
	}
	tracing__wake_at(tracing, process->look_ns);
	tracing__wake_at(tracing, process->asked_until_ns);
}
