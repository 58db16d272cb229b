// SPDX-License-Identifier: GPL-2.0
/*
 * See thread_registers.h. The kernel's struct user_regs_struct, and the area of XSAVE in its
 * standard format: Intel's manual, volume 1, chapter 13.
 */
#include "leaks/thread_registers.h"

#include <elf.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>

/* The code segment of 32-bit code, and its number of exit. */
#define USER32_CODE_SEGMENT 0x23
#define EXIT32 1
/* Set in the numbers of programs of the x32 ABI. */
#define X32_CALL 0x40000000UL

/* The part of the area that begins with xmm0. What comes before holds no pointers. */
#define VECTORS_OFFSET offsetof(struct user_fpregs_struct, xmm_space)
#define AREA_BYTES (VECTORS_OFFSET + sizeof(((struct paused_thread *)0)->vectors))

_Static_assert(sizeof(struct user_fpregs_struct) <= AREA_BYTES, "xmm0 to xmm15 at least");

/* Registers that a call may change: nobody reads them after a call that never returns. */
static void forget_arguments(struct user_regs_struct *r)
{
	r->rax = r->rcx = r->rdx = r->rsi = r->rdi = 0;
	r->r8 = r->r9 = r->r10 = r->r11 = 0;
}

/*
 * A copy of many pointers, as memmove() makes it, has them in the widest vectors that there are. A
 * machine without XSAVE has xmm0 to xmm15 alone.
 */
static int read_vectors(pid_t tid, uint8_t area[AREA_BYTES])
{
	struct iovec iov = { area, AREA_BYTES };

	memset(area, 0, AREA_BYTES);
	if (!ptrace(PTRACE_GETREGSET, tid, NT_X86_XSTATE, &iov))
		return 0;
	iov.iov_len = sizeof(struct user_fpregs_struct);
	return ptrace(PTRACE_GETREGSET, tid, NT_PRFPREG, &iov) ? -errno : 0;
}

int thread_registers__read(pid_t tid, struct paused_thread *thread)
{
	uint8_t area[AREA_BYTES];
	struct user_regs_struct r;
	bool asked_to_end;
	int err;

	if (ptrace(PTRACE_GETREGS, tid, NULL, &r))
		return -errno;
	err = read_vectors(tid, area);
	if (err)
		return err;
	asked_to_end = r.cs != USER32_CODE_SEGMENT &&
		       (r.orig_rax == SYS_exit || r.orig_rax == SYS_exit_group);
	if (asked_to_end)
		forget_arguments(&r);
	*thread = (struct paused_thread){
		.tid = tid,
		.instruction_pointer = r.rip,
		.stack_pointer = r.rsp,
		.frame_pointer = r.rbp,
		.thread_pointer = r.fs_base,
		.asked_to_end = asked_to_end,
		.in_syscall = (int64_t)r.orig_rax >= 0,
		.general = { r.rax, r.rbx, r.rcx, r.rdx, r.rsi, r.rdi, r.rbp, r.rsp, r.r8, r.r9,
			     r.r10, r.r11, r.r12, r.r13, r.r14, r.r15 },
	};
	memcpy(thread->vectors, area + VECTORS_OFFSET, sizeof(thread->vectors));
	return 0;
}

bool thread_registers__ends_alone(pid_t tid)
{
	struct user_regs_struct r;

	if (ptrace(PTRACE_GETREGS, tid, NULL, &r))
		return false;
	if (r.cs == USER32_CODE_SEGMENT)
		return (int32_t)r.orig_rax == EXIT32;
	return (r.orig_rax & ~X32_CALL) == SYS_exit;
}
