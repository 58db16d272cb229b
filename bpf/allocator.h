/* SPDX-License-Identifier: GPL-2.0 */
/* What the allocator shims call: the policy in blocks.bpf.c and the stack walk in stack.bpf.c. */
#ifndef ALLOCATOR_H
#define ALLOCATOR_H

#include "maps.h"

/*
 * A call of an allocating function has begun. Returns 1 when its return is of no interest (not
 * traced, nested, filtered out), 0 when allocation_return is wanted.
 */
__hidden int allocation_enter(struct pt_regs *ctx, __u64 cookie);

/* An allocating function returns to its caller. */
__hidden int allocation_return(struct pt_regs *ctx);
/* The same on kernels that can't walk a stack by tables (before 5.17). */
__hidden int allocation_return_old(struct pt_regs *ctx);

/* operator new is at one of its ret instructions. */
__hidden int new_return(struct pt_regs *ctx);
__hidden int new_return_old(struct pt_regs *ctx);

/* free or cfree has begun; the block may be handed out again once it goes on. */
__hidden int free_enter(struct pt_regs *ctx, __u64 cookie);

/*
 * Records the user stack of a function that is about to return to its caller, innermost frame the
 * caller. Returns its id, WIRE_STACK_UNKNOWN when it could not be kept. return_address: 0 if the
 * thread is back at the caller already, else it is about to take it from the top of the stack.
 */
__hidden __u64 record_stack(struct pt_regs *ctx, struct thread *thread, struct space *space,
			    __u64 return_address);
/* By frame pointers. */
__hidden __u64 record_stack_old(struct pt_regs *ctx, struct thread *thread,
				const struct space *space, __u64 return_address);

/*
 * At a thread's end: counts a call of it that has returned unseen. (One that its death interrupts
 * has not returned, and is no loss.) Called while the thread still has its memory.
 */
__hidden int count_lost_return(struct space *space);

#endif
