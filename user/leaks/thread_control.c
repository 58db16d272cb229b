// SPDX-License-Identifier: GPL-2.0
/*
 * See thread_control.h. A request fails with ESRCH when a SIGKILL has just made the thread go on:
 * its exit-stop or its end comes next, so nothing needs to be done about it here.
 */
#include "leaks/thread_control.h"

#include <errno.h>
#include <sys/ptrace.h>

#include "base/clock.h"

int thread_control__interrupt(struct watched_thread *thread)
{
	if (thread->interrupted)
		return 0;
	if (ptrace(PTRACE_INTERRUPT, thread->tid, NULL, NULL))
		return -errno;
	thread->interrupted = true;
	return 0;
}

void thread_control__go_on(struct tracing *tracing, struct watched_thread *thread, int signal)
{
	struct watched_process *process = thread->process;
	int request;

	/* Every stop takes back an interrupt that came before it. */
	if (process->pause_asked || process->paused || thread->call.phase == CALL_LEAVES)
		thread_control__interrupt(thread);
	/* Nobody would be there at its syscall-stops. */
	if (tracing->closing && thread->call.phase != CALL_LEAVES)
		thread->call.phase = CALL_NONE;
	request = interrupted_call__go_on(&thread->call, thread->tid);
	if (thread->call.phase != CALL_NONE) {
		if (thread->call.deadline_ns < process->call_ns)
			process->call_ns = thread->call.deadline_ns;
		tracing__wake_at(tracing, process->call_ns);
	}
	watched_threads__set_state(thread, THREAD_RUNS);
	ptrace(request, thread->tid, NULL, (long)signal);
}

void thread_control__leave_event_stop(struct tracing *tracing, struct watched_thread *thread)
{
	if (!thread->group_stop) {
		thread_control__go_on(tracing, thread, 0);
		return;
	}
	/* If a SIGCONT came meanwhile, there is another event-stop at once. */
	watched_threads__set_state(thread, THREAD_LISTENS);
	ptrace(PTRACE_LISTEN, thread->tid, NULL, NULL);
}

void thread_control__detach(struct tracing *tracing, struct watched_thread *thread, int signal)
{
	ptrace(PTRACE_DETACH, thread->tid, NULL, (long)signal);
	watched_threads__forget(&tracing->watched, thread);
}

void thread_control__let_end(struct watched_thread *thread)
{
	ptrace(PTRACE_DETACH, thread->tid, NULL, NULL);
	watched_threads__set_state(thread, THREAD_LEFT);
}

void thread_control__look_at_calls(struct tracing *tracing, struct watched_process *process,
				   uint64_t now_ns)
{
	uint64_t next_ns = UINT64_MAX;

	if (process->call_ns > now_ns) {
		tracing__wake_at(tracing, process->call_ns);
		return;
	}
	for (struct watched_thread *thread = process->threads; thread; thread = thread->next) {
		if (thread->state != THREAD_RUNS || thread->call.phase == CALL_NONE)
			continue;
		if (thread->call.deadline_ns <= now_ns)
			thread_control__interrupt(thread);
		else if (thread->call.deadline_ns < next_ns)
			next_ns = thread->call.deadline_ns;
	}
	process->call_ns = next_ns;
	tracing__wake_at(tracing, next_ns);
}
