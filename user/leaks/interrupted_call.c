// SPDX-License-Identifier: GPL-2.0
/*
 * See interrupted_call.h. The calls and their results are from the manual pages of section 2; which
 * of them end with EINTR is from signal(7) and the kernel.
 */
#include "leaks/interrupted_call.h"

#include <errno.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "base/clock.h"
#include "leaks/call_timeout.h"
#include "leaks/thread_status.h"

/*
 * The kernel's own results, from include/linux/errno.h; user space never sees them. The first
 * restarts the call unless a handler runs, which ends it with EINTR. All from the second to the
 * third mean some kind of restart.
 */
#define ERESTARTNOHAND 514
#define ERESTARTSYS 512
#define ERESTART_RESTARTBLOCK 516

/* The code segment of 64-bit code. Calls of 32-bit programs have other numbers. */
#define USER_CODE_SEGMENT 0x33
/* The length of the instruction. */
#define SYSCALL_BYTES 2
/* Set in the numbers of programs of the x32 ABI. */
#define X32_CALL 0x40000000UL

/*
 * These are not repeated. close has closed the descriptor, also when it says EINTR, and a driver
 * may have done a part of what an ioctl asked for; both give EINTR as after SIGSTOP and SIGCONT.
 * restart_syscall is a restart already.
 */
static bool may_repeat(uint64_t number)
{
	number &= ~X32_CALL;
	return number != SYS_close && number != SYS_ioctl && number != SYS_restart_syscall;
}

static void set_result(pid_t tid, int64_t result)
{
	ptrace(PTRACE_POKEUSER, tid, offsetof(struct user_regs_struct, rax), result);
}

static bool is_same(const struct interrupted_call *call, const struct user_regs_struct *registers)
{
	return call->phase != CALL_NONE && call->number == registers->orig_rax &&
	       call->instruction == registers->rip && call->stack_pointer == registers->rsp;
}

/* The kernel has set it back to the instruction that makes the call, which has not run yet. */
static bool is_before(const struct interrupted_call *call, const struct user_regs_struct *registers)
{
	return call->phase == CALL_RESTARTS && call->number == registers->rax &&
	       call->instruction - SYSCALL_BYTES == registers->rip &&
	       call->stack_pointer == registers->rsp;
}

/* Returns whether the call may be repeated. */
static bool begin(struct interrupted_call *call, pid_t tgid, pid_t tid,
		  const struct user_regs_struct *registers)
{
	struct call_timeout timeout;

	if (!may_repeat(registers->orig_rax) || call_timeout__find(tgid, tid, registers, &timeout))
		return false;
	*call = (struct interrupted_call){
		.phase = CALL_STOPPED,
		.number = registers->orig_rax,
		.instruction = registers->rip,
		.stack_pointer = registers->rsp,
		.deadline_ns = timeout.ns == CALL_TIMEOUT_NEVER ?
				       UINT64_MAX :
				       clock__monotonic_ns() + timeout.ns,
		.timeout_result = timeout.result,
	};
	return true;
}

void interrupted_call__stop(struct interrupted_call *call, pid_t tgid, pid_t tid)
{
	struct user_regs_struct registers;
	bool same;

	if (ptrace(PTRACE_GETREGS, tid, NULL, &registers) || registers.cs != USER_CODE_SEGMENT) {
		call->phase = CALL_NONE;
		return;
	}
	if (is_before(call, &registers))
		return;
	same = is_same(call, &registers);
	call->phase = CALL_NONE;
	/* orig_rax is negative outside of calls, and after sigreturn, when nothing is restarted. */
	if ((int64_t)registers.orig_rax < 0)
		return;
	if ((int64_t)registers.rax == -EINTR) {
		if (same)
			call->phase = CALL_STOPPED;
		else if (!begin(call, tgid, tid, &registers))
			return;
		set_result(tid, -ERESTARTNOHAND);
	} else if (same && (int64_t)registers.rax == -ERESTARTNOHAND) {
		/* A second stop before the restart. */
		call->phase = CALL_STOPPED;
	}
}

void interrupted_call__signal(const struct interrupted_call *call, pid_t tid, int signal)
{
	struct user_regs_struct registers;
	struct thread_status status;

	if (call->phase != CALL_RESTARTS || ptrace(PTRACE_GETREGS, tid, NULL, &registers) ||
	    !is_before(call, &registers) || thread_status__read(tid, &status) ||
	    !(status.handled >> (signal - 1) & 1))
		return;
	ptrace(PTRACE_POKEUSER, tid, offsetof(struct user_regs_struct, rip), call->instruction);
	set_result(tid, -EINTR);
}

/* No longer in user space, and not yet through. */
static bool is_interrupted(int64_t result)
{
	return result == -EINTR || (result <= -ERESTARTSYS && result >= -ERESTART_RESTARTBLOCK);
}

void interrupted_call__syscall_stop(struct interrupted_call *call, pid_t tid)
{
	struct user_regs_struct registers;

	if (ptrace(PTRACE_GETREGS, tid, NULL, &registers) || !is_same(call, &registers)) {
		call->phase = CALL_NONE;
		return;
	}
	/* From here on, a signal finds it in the call. */
	if (call->phase == CALL_RESTARTS)
		call->phase = call->deadline_ns == UINT64_MAX ? CALL_NONE : CALL_RUNS;
	else if (call->phase == CALL_RUNS && is_interrupted((int64_t)registers.rax))
		call->phase = CALL_LEAVES;
	else
		call->phase = CALL_NONE;
}

int interrupted_call__go_on(struct interrupted_call *call, pid_t tid)
{
	if (call->phase == CALL_STOPPED) {
		if (call->deadline_ns <= clock__monotonic_ns()) {
			set_result(tid, call->timeout_result);
			call->phase = CALL_NONE;
		} else {
			call->phase = CALL_RESTARTS;
		}
	}
	return call->phase == CALL_NONE ? PTRACE_CONT : PTRACE_SYSCALL;
}
