// SPDX-License-Identifier: GPL-2.0
/*
 * See thread_stops.h. The kinds of stops are those of ptrace(2) for a thread attached by
 * PTRACE_SEIZE. No stop but event-stops and exit-stops is held: all others go on at once, and while
 * a process is paused they lead to an event-stop. So no signal can get lost with us.
 */
#include "leaks/thread_stops.h"

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "leaks/process_end.h"
#include "leaks/thread_control.h"
#include "leaks/thread_status.h"

#define SYSCALL_STOP (SIGTRAP | 0x80)

static bool is_first_stop_of_child(const struct thread_status *status, pid_t tid, int wait_status)
{
	return status->tgid == tid && wait_status >> 16 == PTRACE_EVENT_STOP;
}

/*
 * A clone of a watched thread is attached by itself, and may be told of before the clone is. So is
 * a child, where children are watched. NULL when the thread belongs to a process that is not
 * watched, or to one that could not be kept.
 */
static struct watched_thread *adopt(struct tracing *tracing, pid_t tid, int wait_status)
{
	struct watched_process *process;
	struct watched_thread *thread;
	struct thread_status status;

	if (thread_status__read(tid, &status))
		return NULL;
	process = watched_threads__find_process(&tracing->watched, status.tgid);
	if (!process && tracing->follow && !tracing->closing &&
	    is_first_stop_of_child(&status, tid, wait_status))
		process = watched_threads__add_process(&tracing->watched, tid);
	if (!process)
		return NULL;
	thread = watched_threads__add(&tracing->watched, process, tid);
	if (!process->nr_threads)
		watched_threads__forget_process(&tracing->watched, process);
	return thread;
}

/* From now on a pause waits for the new thread, too. */
static void note_clone(struct tracing *tracing, const struct watched_thread *thread)
{
	struct thread_status status;
	unsigned long message = 0;
	pid_t tid;

	if (ptrace(PTRACE_GETEVENTMSG, thread->tid, NULL, &message))
		return;
	tid = (pid_t)message;
	if (tid > 0 && !watched_threads__find(&tracing->watched, tid) &&
	    !thread_status__read(tid, &status) && status.tgid == thread->process->tgid &&
	    status.tracer == getpid() && !thread_status__is_dead(&status))
		watched_threads__add(&tracing->watched, thread->process, tid);
}

/* The thread has the process's number now, whatever it had before; all others are gone. */
static void note_exec(struct tracing *tracing, struct watched_thread *thread)
{
	struct watched_process *process = thread->process;
	struct watched_thread *next;

	for (struct watched_thread *other = process->threads; other; other = next) {
		next = other->next;
		if (other != thread)
			watched_threads__forget(&tracing->watched, other);
	}
	thread->call.phase = CALL_NONE;
	process->leader_left = false;
	process->ending = false;
	process->unreported_end = false;
}

static bool is_stop_signal(int signal)
{
	return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

static void handle_event_stop(struct tracing *tracing, struct watched_thread *thread, int signal)
{
	const struct watched_process *process = thread->process;

	interrupted_call__stop(&thread->call, process->tgid, thread->tid);
	thread->group_stop = is_stop_signal(signal);
	if (process->pause_asked || process->paused)
		watched_threads__set_state(thread, THREAD_STANDS);
	else
		thread_control__leave_event_stop(tracing, thread);
}

static bool is_signal_stop(int status)
{
	return !(status >> 16) && WSTOPSIG(status) != SYSCALL_STOP;
}

/* It stopped for us, or a signal stopped it, and it is not to be watched. */
static void let_go(struct tracing *tracing, struct watched_thread *thread, int status)
{
	bool has_signal = is_signal_stop(status);

	if (has_signal || status >> 16 == PTRACE_EVENT_STOP)
		interrupted_call__stop(&thread->call, thread->process->tgid, thread->tid);
	if (has_signal)
		interrupted_call__signal(&thread->call, thread->tid, WSTOPSIG(status));
	thread_control__detach(tracing, thread, has_signal ? WSTOPSIG(status) : 0);
}

static void handle_stop(struct tracing *tracing, struct watched_thread *thread, int status)
{
	int event = status >> 16, signal = WSTOPSIG(status);

	thread->interrupted = false;
	watched_threads__set_state(thread, THREAD_RUNS);
	if (thread->process->leaving) {
		let_go(tracing, thread, status);
	} else if (event == PTRACE_EVENT_STOP) {
		handle_event_stop(tracing, thread, signal);
	} else if (event == PTRACE_EVENT_EXIT) {
		process_end__thread_exits(tracing, thread);
	} else if (is_signal_stop(status)) {
		interrupted_call__stop(&thread->call, thread->process->tgid, thread->tid);
		interrupted_call__signal(&thread->call, thread->tid, signal);
		thread_control__go_on(tracing, thread, signal);
	} else {
		if (event == PTRACE_EVENT_CLONE)
			note_clone(tracing, thread);
		else if (event == PTRACE_EVENT_EXEC)
			note_exec(tracing, thread);
		else if (!event)
			interrupted_call__syscall_stop(&thread->call, thread->tid);
		thread_control__go_on(tracing, thread, 0);
	}
}

struct watched_process *thread_stops__handle(struct tracing *tracing, pid_t tid, int status)
{
	struct watched_thread *thread = watched_threads__find(&tracing->watched, tid);
	struct watched_process *process;

	if (!WIFSTOPPED(status)) {
		process = thread ? thread->process : NULL;
		if (thread)
			watched_threads__forget(&tracing->watched, thread);
		return process;
	}
	if (!thread)
		thread = adopt(tracing, tid, status);
	if (!thread) {
		ptrace(PTRACE_DETACH, tid, NULL,
		       is_signal_stop(status) ? (long)WSTOPSIG(status) : 0L);
		return NULL;
	}
	process = thread->process;
	handle_stop(tracing, thread, status);
	return process;
}
