// SPDX-License-Identifier: GPL-2.0
/*
 * See process_end.h. Threads are let go from exit-stops by PTRACE_DETACH, not PTRACE_CONT: then the
 * kernel reaps them, and tells the parent of the first one, as if nobody had traced them.
 */
#include "leaks/process_end.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "leaks/process_pause.h"
#include "leaks/thread_control.h"
#include "leaks/thread_registers.h"
#include "leaks/thread_seizing.h"
#include "leaks/thread_status.h"

#define FIRST_LOOK_NS (NS_PER_S / 1000)
#define MAX_LOOK_INTERVAL_NS (50 * NS_PER_S / 1000)
#define MAX_ENDING_NS (10 * NS_PER_S)
/* Of so many threads /proc is read at most: it takes long. */
#define MAX_READ 64

static size_t nr_exiting(const struct watched_process *process)
{
	return process->nr_in[THREAD_EXITS] + process->nr_in[THREAD_LEFT];
}

static void begin(struct watched_process *process)
{
	uint64_t now_ns = clock__monotonic_ns();

	process->ending = true;
	process->ending_since_ns = now_ns;
	process->ending_until_ns = now_ns + TRACING_LIMIT_NS;
	process->look_interval_ns = FIRST_LOOK_NS;
	process->look_ns = now_ns;
}

void process_end__thread_exits(struct tracing *tracing, struct watched_thread *thread)
{
	struct watched_process *process = thread->process;
	bool others_live = nr_exiting(process) + 1 < process->nr_threads;

	if (tracing->closing || process->unreported_end ||
	    (others_live && !process->ending && thread_registers__ends_alone(thread->tid))) {
		process->leader_left |= thread->tid == process->tgid;
		thread_control__detach(tracing, thread, 0);
		return;
	}
	watched_threads__set_state(thread, THREAD_EXITS);
	if (!process->ending)
		begin(process);
}

/* The first thread goes last, as it would by itself: its parent is told of it. */
void process_end__give_up(struct tracing *tracing, struct watched_process *process)
{
	struct watched_thread *leader = NULL, *next;

	for (struct watched_thread *thread = process->threads; thread; thread = next) {
		next = thread->next;
		if (thread->state != THREAD_EXITS)
			continue;
		if (thread->tid == process->tgid)
			leader = thread;
		else
			thread_control__detach(tracing, thread, 0);
	}
	if (leader) {
		process->leader_left = true;
		thread_control__detach(tracing, leader, 0);
	}
	process->ending = false;
}

void process_end__release(struct tracing *tracing, struct watched_process *process)
{
	process_end__give_up(tracing, process);
	watched_threads__forget_process(&tracing->watched, process);
}

/*
 * Before Linux 5.16, the thread that dumps core waits until all others have passed their
 * exit-stops. They must go; their registers are kept, and their stacks last as long as the process.
 */
static void let_dump(struct tracing *tracing, struct watched_process *process)
{
	struct watched_thread *next;

	for (struct watched_thread *thread = process->threads; thread; thread = next) {
		next = thread->next;
		if (thread->state != THREAD_EXITS)
			continue;
		process->leader_left |= thread->tid == process->tgid;
		thread->registers = malloc(sizeof(*thread->registers));
		if (thread->registers && !thread_registers__read(thread->tid, thread->registers))
			thread_control__let_end(thread);
		else
			thread_control__detach(tracing, thread, 0);
	}
	/* A dump takes as long as it takes, and nobody is held meanwhile. */
	process->ending_until_ns = UINT64_MAX;
	process->look_ns = UINT64_MAX;
}

static const struct watched_thread *find_running(const struct watched_process *process)
{
	const struct watched_thread *thread = process->threads;

	while (thread && thread->state != THREAD_RUNS)
		thread = thread->next;
	return thread;
}

/* Asks /proc what the last thread is doing that has not come to its exit-stop. */
static void look(struct tracing *tracing, struct watched_process *process, uint64_t now_ns)
{
	const struct watched_thread *last;
	struct thread_status status;

	process->look_ns = now_ns + process->look_interval_ns;
	if (process->look_interval_ns < MAX_LOOK_INTERVAL_NS)
		process->look_interval_ns *= 2;
	last = find_running(process);
	if (!last || process->nr_threads - nr_exiting(process) != 1 ||
	    thread_status__read(last->tid, &status))
		return;
	if (status.dumps_core)
		let_dump(tracing, process);
	else if (!status.killed && thread_status__in_exec(last->tid))
		process_end__give_up(tracing, process);
}

/* Has a SIGKILL reached any of the threads that are still to come? */
static bool is_killed(const struct watched_process *process)
{
	const struct watched_thread *thread;
	struct thread_status status;
	size_t nr_read = 0;

	for (thread = process->threads; thread && nr_read < MAX_READ; thread = thread->next)
		if (thread->state == THREAD_RUNS && ++nr_read &&
		    !thread_status__read(thread->tid, &status) && status.killed)
			return true;
	return false;
}

/*
 * Time is over. Threads that only wait for a CPU get more of it, on a busy machine. After that,
 * what comes to its exit-stop is only a part of the process, and no end that can be told.
 */
static void end_unreported(struct tracing *tracing, struct watched_process *process,
			   uint64_t now_ns)
{
	const struct watched_thread *running = find_running(process);
	struct thread_status status;

	if (running && now_ns - process->ending_since_ns < MAX_ENDING_NS &&
	    !thread_status__read(running->tid, &status) && status.state == 'R') {
		process->ending_until_ns = now_ns + TRACING_LIMIT_NS;
		tracing__wake_at(tracing, process->ending_until_ns);
		return;
	}
	process->unreported_end = is_killed(process);
	process_end__give_up(tracing, process);
}

void process_end__ring(struct tracing *tracing, struct watched_process *process)
{
	process->bell_due = send(tracing->bell_fd, &process->tgid, sizeof(process->tgid),
				 MSG_DONTWAIT | MSG_NOSIGNAL) < 0;
}

/* An exec has ended all threads that we knew; the process has another one now. */
static void attach_again(struct tracing *tracing, struct watched_process *process, uint64_t now_ns)
{
	if (process->pause_asked)
		tracing__reply(tracing, -ETIMEDOUT);
	process->pause_asked = false;
	process->leader_left = false;
	process->attaching = true;
	process->attach_ns = now_ns;
	process->attach_until_ns = now_ns + MAX_ENDING_NS;
	tracing__wake_at(tracing, now_ns);
}

/*
 * A thread that nobody told us of may live on: one that was being made while we attached to its
 * maker, or that keeps tracers away. Its exec ends all others, too. Returns whether there is none.
 */
static bool is_whole(struct tracing *tracing, struct watched_process *process, uint64_t now_ns)
{
	struct thread_status status;
	pid_t other = 0;
	size_t nr_new;
	int err = thread_seizing__pass(tracing, process, &nr_new, &other);

	process->look_ns = now_ns + process->look_interval_ns;
	if (err == -EAGAIN && !thread_status__read(other, &status) && !status.killed &&
	    thread_status__in_exec(other)) {
		process_end__give_up(tracing, process);
		attach_again(tracing, process, now_ns);
	}
	return (!err && !nr_new) || err == -ESRCH;
}

static void complete(struct tracing *tracing, struct watched_process *process)
{
	if (process->pause_asked)
		tracing__reply(tracing, -ESRCH);
	process->pause_asked = false;
	process->at_end = true;
	process_end__ring(tracing, process);
}

void process_end__check(struct tracing *tracing, struct watched_process *process, uint64_t now_ns)
{
	bool has_all;

	if (process->at_end || process->paused)
		return;
	if (now_ns >= process->look_ns) {
		process_pause__forget_dead_leader(tracing, process);
		if (nr_exiting(process) < process->nr_threads)
			look(tracing, process, now_ns);
	}
	if (!process->ending)
		return;
	has_all = nr_exiting(process) == process->nr_threads;
	if (has_all && process->attaching) {
		process_end__give_up(tracing, process);
	} else if (has_all && is_whole(tracing, process, now_ns)) {
		complete(tracing, process);
	} else if (!process->ending) {
		return;
	} else if (now_ns >= process->ending_until_ns) {
		end_unreported(tracing, process, now_ns);
	} else {
		tracing__wake_at(tracing, process->look_ns);
		tracing__wake_at(tracing, process->ending_until_ns);
	}
}

void process_end__resume(struct tracing *tracing, struct watched_process *process)
{
	begin(process);
	process_end__check(tracing, process, clock__monotonic_ns());
}
