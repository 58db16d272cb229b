/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which calls are inside others: allocator functions call each other, the malloc and free of a
 * preloaded library call the real ones, and a signal handler can interrupt any of them. One call of
 * the program is one call in the books, the outermost.
 */
#ifndef NESTING_H
#define NESTING_H

#include "spaces.h"

#define PAGE_MASK_BITS 12

/* How far below the free that called it a free can begin; the stack of a fibre is further away. */
#define MAX_WRAPPER_STACK_BYTES (16 << 10)

static __always_inline bool on_signal_stack(struct task_struct *task, __u64 sp)
{
	__u64 start = BPF_CORE_READ(task, sas_ss_sp);

	return sp - start <= BPF_CORE_READ(task, sas_ss_size) && start;
}

/*
 * While a call with a return probe runs, the slot of its return address holds the address of the
 * kernel's trampoline. Another value means that the call is over: left by siglongjmp, say.
 */
static __always_inline bool return_is_pending(struct task_struct *task, __u64 slot)
{
	struct xol_area *area = BPF_CORE_READ(task, mm, uprobes_state.xol_area);
	__u64 value = 0;

	if (bpf_probe_read_user(&value, sizeof(value), (void *)slot))
		return false;
	return value >> PAGE_MASK_BITS == BPF_CORE_READ(area, vaddr) >> PAGE_MASK_BITS;
}

/*
 * Is the stack pointer inside the allocator call that this thread has in flight? (An allocator
 * function called another one, or a signal handler interrupted it.) Only the outermost call counts.
 * A call that can no longer return must not look like an outer one for ever: it is told by the
 * stack, which has shrunk past its frame, or by its overwritten return address. (An equal stack
 * pointer is a tail call, such as reallocarray's to realloc, or a new call from the same place.)
 */
static __always_inline bool call_in_flight(const struct call *call, __u64 sp)
{
	struct task_struct *task = current_task();

	if (!call->sp)
		return false;
	if (on_signal_stack(task, sp) != on_signal_stack(task, call->sp))
		return on_signal_stack(task, sp);
	return call->sp >= sp && return_is_pending(task, call->sp);
}

static __always_inline __u64 return_address_at(__u64 sp)
{
	__u64 value = 0;

	bpf_probe_read_user(&value, sizeof(value), (void *)sp);
	return value;
}

/* A wrapper that jumps to the real function leaves it the stack as it was. */
static __always_inline bool may_be_inside(const struct free_call *call,
					  const struct free_call *outer)
{
	return outer->sp - call->sp <= MAX_WRAPPER_STACK_BYTES &&
	       (outer->sp != call->sp || outer->ip != call->ip);
}

/*
 * The first free inside another: of the same block, or in another function. Without that a return
 * address that stands proves nothing: where one allocator is probed, two frees of early blocks, the
 * second deeper on the stack, are two. What was counted so is taken back once nesting is shown.
 */
static __always_inline bool shows_nesting(const struct free_call *call,
					  const struct free_call *outer)
{
	return outer->address == call->address || outer->ip != call->ip;
}

/* The free of a known block around this one, where no call was seen inside another before. */
static __always_inline const struct free_call *known_around(struct space *space,
							    const struct free_call *call)
{
#pragma unroll
	for (int i = 0; i < WIRE_SPACE_SLOTS; i++) {
		const struct free_call *last = &living_space_of(space)->slots[i].last_free;

		if (last->address == call->address && may_be_inside(call, last))
			return last; /* of another CPU when the thread was moved in between */
	}
	return NULL;
}

/*
 * Has an allocator function, or another free, called this one? Then outer_address is what was given
 * to that. Else others may be inside this free, so the thread remembers it. It has no return probe,
 * which would cost more than all else does: as long as it runs, its return address stands on the
 * stack. (That can stand, too, in what a later frame has not written yet: where calls nest, a block
 * from before the attach that is freed there is then taken for the allocator's own, and is not
 * counted.)
 *
 * To remember costs too, and most processes have one allocator that is probed. Until a call was
 * seen inside another of its kind (calls_nest), a free of a known block is not remembered by its
 * thread; a CPU's slot has its last one, in which the first such call can be, as in a program
 * that allocates by calloc where malloc and free alone are wrapped.
 */
static __always_inline bool free_is_inside(struct space *space, const struct free_call *call,
					   __u64 *outer_address)
{
	struct thread *thread = thread_of_current(true);
	const struct free_call *known;
	struct free_call *outer;

	if (!thread) {
		add(&space->lost[LOSS_THREAD_MAP_FULL], 1);
		return false;
	}
	*outer_address = thread->call.old_address;
	if (call_in_flight(&thread->call, call->sp))
		return true;
	outer = &thread->free_call;
	known = space->calls_nest ? NULL : known_around(space, call);
	if (known) {
		*outer = *known;
		outer->return_address = return_address_at(outer->sp);
	}
	*outer_address = outer->address;
	if (may_be_inside(call, outer) && return_address_at(outer->sp) == outer->return_address) {
		if (!space->calls_nest && !shows_nesting(call, outer)) {
			thread->doubtful_frees += !space->ancestors[0];
			return false;
		}
		add(&space->unknown_frees, -thread->doubtful_frees);
		thread->doubtful_frees = 0;
		space->calls_nest = 1;
		return true;
	}
	*outer = *call;
	outer->return_address = return_address_at(call->sp);
	thread->doubtful_frees = 0;
	return false;
}

#endif
