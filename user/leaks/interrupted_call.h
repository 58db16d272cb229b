/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Makes system calls that a stop interrupted go on as if nothing had happened. The kernel itself
 * restarts most calls after a stop that ran no signal handler. Some end with EINTR instead
 * (signal(7), "Interruption of system calls and library functions by stop signals"): epoll_wait,
 * semop, sigtimedwait, io_getevents, sockets with a timeout. The tracing process makes the kernel
 * restart these, too; a handler still ends them with EINTR, also one that runs just before the
 * restarted call is back in the kernel.
 *
 * A restarted call would begin its timeout anew, and would never end if it were stopped again and
 * again. So the tracing process keeps the time: it follows such a call by syscall-stops, and once
 * the timeout is over it interrupts the thread and gives the call the result of a timeout. When the
 * call began is unknown; the time counts from its first stop. Arguments are not changed: a program
 * may rely on it that they keep their registers.
 */
#ifndef INTERRUPTED_CALL_H
#define INTERRUPTED_CALL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

enum interrupted_call_phase {
	CALL_NONE, /* nothing to follow */
	CALL_STOPPED, /* will be restarted */
	CALL_RESTARTS, /* its syscall-entry-stop comes next */
	CALL_RUNS, /* its syscall-exit-stop comes next */
	CALL_LEAVES, /* it was interrupted again, and must be stopped once more before it returns */
};

/* A call that is restarted, of one thread. All zero: none. */
struct interrupted_call {
	enum interrupted_call_phase phase;
	uint64_t number, instruction, stack_pointer; /* which call it is */
	uint64_t deadline_ns; /* CLOCK_MONOTONIC; UINT64_MAX: it has no timeout */
	int64_t timeout_result;
};

/*
 * The thread is in an event-stop or a signal-delivery-stop, the only ones from which the kernel
 * restarts calls.
 */
void interrupted_call__stop(struct interrupted_call *call, pid_t tgid, pid_t tid);

/*
 * The thread is in a signal-delivery-stop. Comes after the above. A call that was about to begin
 * again ends with EINTR instead, when the signal has a handler.
 */
void interrupted_call__signal(const struct interrupted_call *call, pid_t tid, int signal);

/* The thread is in a syscall-stop. */
void interrupted_call__syscall_stop(struct interrupted_call *call, pid_t tid);

/* A thread that stands in any stop is about to go on. Returns the ptrace request to use. */
int interrupted_call__go_on(struct interrupted_call *call, pid_t tid);

#endif
