// SPDX-License-Identifier: GPL-2.0
/* See watch_requests.h. */
#include "leaks/watch_requests.h"

#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "leaks/process_end.h"
#include "leaks/process_pause.h"
#include "leaks/thread_control.h"
#include "leaks/thread_seizing.h"
#include "leaks/thread_status.h"

/* How soon to try again to attach to a process that was in the middle of an exec. */
#define ATTACH_AGAIN_NS (5 * NS_PER_S / 1000)
/*
 * A thread that was about to make another when we attached to it makes one that is not attached to,
 * and that can be found once it is there.
 */
#define LATE_PASS_NS (50 * NS_PER_S / 1000)

static bool is_held(const struct watched_process *process)
{
	return process->paused || process->at_end;
}

static void plan_late_pass(struct tracing *tracing, struct watched_process *process,
			   uint64_t after_ns)
{
	process->late_pass_ns = clock__monotonic_ns() + after_ns;
	tracing__wake_at(tracing, process->late_pass_ns);
}

/* After an error, the threads that were attached to are let go as they stop. */
static void end_attaching(struct tracing *tracing, struct watched_process *process, int err,
			  pid_t tracer)
{
	const struct watch_reply reply = { .result = err, .tracer = err == -EBUSY ? tracer : 0 };
	struct watched_thread *next;

	if (process->add_asked)
		reply_stream__begin(&tracing->replies, &reply, NULL);
	process->add_asked = false;
	process->attaching = false;
	if (!err) {
		plan_late_pass(tracing, process, LATE_PASS_NS);
		return;
	}
	process->leaving = true;
	process_end__give_up(tracing, process);
	for (struct watched_thread *thread = process->threads; thread; thread = next) {
		next = thread->next;
		if (thread_control__interrupt(thread))
			watched_threads__forget(&tracing->watched, thread);
	}
	if (!process->nr_threads)
		watched_threads__forget_process(&tracing->watched, process);
}

/* A thread that is not attached yet may make others while we look; those are in the next pass. */
static void go_on_attaching(struct tracing *tracing, struct watched_process *process,
			    uint64_t now_ns)
{
	pid_t tracer = 0;
	size_t nr_new;
	int err;

	do {
		err = thread_seizing__pass(tracing, process, &nr_new, &tracer);
	} while (!err && nr_new && clock__monotonic_ns() < process->attach_until_ns);
	if (!err && nr_new)
		err = -EAGAIN;
	if (err == -EAGAIN && now_ns < process->attach_until_ns) {
		process->attach_ns = now_ns + ATTACH_AGAIN_NS;
		tracing__wake_at(tracing, process->attach_ns);
		return;
	}
	if (!err && !process->nr_threads)
		err = -ESRCH;
	end_attaching(tracing, process, err, tracer);
}

static void look_at_attaching(struct tracing *tracing, struct watched_process *process,
			      uint64_t now_ns)
{
	if (now_ns >= process->attach_ns)
		go_on_attaching(tracing, process, now_ns);
	else
		tracing__wake_at(tracing, process->attach_ns);
}

static void look_late(struct tracing *tracing, struct watched_process *process, uint64_t now_ns)
{
	pid_t other;
	size_t nr_new;

	if (now_ns < process->late_pass_ns) {
		tracing__wake_at(tracing, process->late_pass_ns);
		return;
	}
	process->late_pass_ns = 0;
	/* One that is held has had such a look. */
	if (!is_held(process) && thread_seizing__pass(tracing, process, &nr_new, &other) == -EAGAIN)
		plan_late_pass(tracing, process, ATTACH_AGAIN_NS);
}

static void add(struct tracing *tracing, pid_t tgid)
{
	struct watched_process *process = watched_threads__find_process(&tracing->watched, tgid);
	uint64_t now_ns = clock__monotonic_ns();

	if (process) {
		tracing__reply(tracing, process->leaving ? -EAGAIN : 0);
		return;
	}
	/* The tracer would wait for itself. */
	if (tgid <= 0 || tgid == getpid() || tgid == getppid()) {
		tracing__reply(tracing, -EPERM);
		return;
	}
	process = watched_threads__add_process(&tracing->watched, tgid);
	if (!process) {
		tracing__reply(tracing, -ENOMEM);
		return;
	}
	process->add_asked = true;
	process->attaching = true;
	process->attach_until_ns = now_ns + TRACING_LIMIT_NS;
	go_on_attaching(tracing, process, now_ns);
}

static void take_end(struct tracing *tracing, struct watched_process *process)
{
	struct watch_reply reply = { .paused_ns = clock__monotonic_ns() };
	struct paused_thread *threads = NULL;
	size_t nr_threads = 0;

	reply.result = process_pause__collect(process, false, &threads, &nr_threads);
	reply.nr_threads = (uint32_t)nr_threads;
	reply_stream__begin(&tracing->replies, &reply, threads);
	/* Nobody would resume it. */
	if (reply.result)
		process_end__release(tracing, process);
}

static void resume(struct tracing *tracing, struct watched_process *process)
{
	if (!process->at_end && !process->paused) {
		tracing__reply(tracing, -ESTALE);
		return;
	}
	tracing__reply(tracing, 0);
	if (process->at_end) {
		process_end__release(tracing, process);
		return;
	}
	process_pause__end(tracing, process);
	if (process->ending)
		process_end__resume(tracing, process);
	watch_requests__settle(tracing, process);
}

static void pause_process(struct tracing *tracing, struct watched_process *process)
{
	if (process->at_end) {
		tracing__reply(tracing, -ESRCH);
	} else if (process->paused) {
		tracing__reply(tracing, -EALREADY);
	} else if (process->attaching) {
		/* An exec holds it. */
		tracing__reply(tracing, -ETIMEDOUT);
	} else {
		process_pause__begin(tracing, process);
		watch_requests__settle(tracing, process);
	}
}

void watch_requests__handle(struct tracing *tracing, const struct watch_request *request)
{
	struct watched_process *process =
		watched_threads__find_process(&tracing->watched, request->tgid);

	if (request->kind == WATCH_ADD) {
		add(tracing, request->tgid);
	} else if (!process || process->leaving) {
		tracing__reply(tracing, -ESRCH);
	} else if (request->kind == WATCH_PAUSE) {
		pause_process(tracing, process);
	} else if (request->kind == WATCH_TAKE_END && process->at_end) {
		take_end(tracing, process);
	} else if (request->kind == WATCH_RESUME) {
		resume(tracing, process);
	} else {
		tracing__reply(tracing, -EINVAL);
	}
}

void watch_requests__settle(struct tracing *tracing, struct watched_process *process)
{
	if (process->ending && !process->leaving)
		process_end__check(tracing, process, clock__monotonic_ns());
	if (process->nr_threads == process->nr_in[THREAD_LEFT]) {
		if (process->attaching)
			return;
		if (process->pause_asked)
			tracing__reply(tracing, -ESRCH);
		watched_threads__forget_process(&tracing->watched, process);
	} else if (process->pause_asked && !process->ending) {
		process_pause__check(tracing, process);
	}
}

void watch_requests__look(struct tracing *tracing, uint64_t now_ns)
{
	struct watched_process *next;

	if (now_ns < tracing->wake_ns)
		return;
	tracing->wake_ns = UINT64_MAX;
	for (struct watched_process *process = tracing->watched.processes; process;
	     process = next) {
		next = process->next;
		thread_control__look_at_calls(tracing, process, now_ns);
		if (process->attaching) {
			look_at_attaching(tracing, process, now_ns);
			continue;
		}
		if (process->late_pass_ns)
			look_late(tracing, process, now_ns);
		if (process->pause_asked)
			process_pause__look(tracing, process, now_ns);
		watch_requests__settle(tracing, process);
	}
}

/* How often the tracer is looked at while it makes a process stand still. */
#define MIND_INTERVAL_NS NS_PER_S

static bool is_stopped(pid_t tgid)
{
	struct thread_status status;

	return !thread_status__read(tgid, &status) && (status.state == 'T' || status.state == 't');
}

void watch_requests__mind_tracer(struct tracing *tracing, uint64_t now_ns)
{
	struct watched_process *process = tracing->watched.processes, *next;
	bool look = now_ns >= tracing->mind_ns;

	while (process && !is_held(process))
		process = process->next;
	if (!process)
		return;
	if (look)
		tracing->mind_ns = now_ns + MIND_INTERVAL_NS;
	tracing__wake_at(tracing, tracing->mind_ns);
	if (!look || !is_stopped(getppid()))
		return;
	for (process = tracing->watched.processes; process; process = next) {
		next = process->next;
		if (process->at_end) {
			process_end__release(tracing, process);
		} else if (process->paused) {
			process_pause__end(tracing, process);
			watch_requests__settle(tracing, process);
		}
	}
}

bool watch_requests__has_bell_due(const struct tracing *tracing)
{
	const struct watched_process *process = tracing->watched.processes;

	while (process && !process->bell_due)
		process = process->next;
	return process;
}

void watch_requests__ring(struct tracing *tracing)
{
	for (struct watched_process *process = tracing->watched.processes; process;
	     process = process->next)
		if (process->bell_due)
			process_end__ring(tracing, process);
}

void watch_requests__let_all_go(struct tracing *tracing)
{
	struct watched_process *next;

	tracing->closing = true;
	for (struct watched_process *process = tracing->watched.processes; process;
	     process = next) {
		next = process->next;
		process->add_asked = false;
		process->attaching = false;
		process->late_pass_ns = 0;
		process_pause__end(tracing, process);
		process_end__give_up(tracing, process);
	}
}

bool watch_requests__can_leave(const struct tracing *tracing)
{
	const struct watched_process *process;
	const struct watched_thread *thread;

	for (process = tracing->watched.processes; process; process = process->next)
		for (thread = process->threads; thread; thread = thread->next)
			if (thread->interrupted || thread->call.phase == CALL_RESTARTS ||
			    thread->call.phase == CALL_LEAVES)
				return false;
	return true;
}
