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

/* The most stack between a free and the free that called it. The stack of a fibre is further away. */
#define MAX_WRAPPER_STACK_BYTES (16 << 10)

static __always_inline bool on_signal_stack(struct task_struct *task, __u64 sp)
{
	__u64 start = BPF_CORE_READ(task, sas_ss_sp);

	return sp - start <= BPF_CORE_READ(task, sas_ss_size) && start;
}

/*
 * While a call with a return probe runs, the slot of its return address holds the address of the
 * trampoline of the kernel. Another value means that the call is over, for example left by
 * siglongjmp.
 */
static __always_inline bool return_is_pending(struct task_struct *task, __u64 slot)
{
	struct xol_area *area = BPF_CORE_READ(task, mm, uprobes_state.xol_area);
	__u64 value = 0;

	if (bpf_probe_read_user(&value, sizeof(value), (void *)slot))
		return false;
	return value >> PAGE_MASK_BITS == BPF_CORE_READ(area, vaddr) >> PAGE_MASK_BITS;
}

static __always_inline __u64 return_address_at(__u64 sp)
{
	__u64 value = 0;

	bpf_probe_read_user(&value, sizeof(value), (void *)sp);
	return value;
}

/* Is its return seen by a probe on its ret, rather than by a return probe? */
static __always_inline bool returns_by_ret(__u32 function)
{
	return function == FUNCTION_NEW || function == FUNCTION_DEFINED_BY_RET;
}

/*
 * Can the call still return? operator new has no return probe: its own return address stands there
 * until it returns, or the trampoline if it ends with a jump to a function that has one. After an
 * exception something else does as soon as the catching function calls anything, except the same
 * operator new at the same place.
 */
static __always_inline bool may_return(struct task_struct *task, const struct call *call)
{
	return (returns_by_ret(call->function) &&
		return_address_at(call->sp) == call->return_address) ||
	       return_is_pending(task, call->sp);
}

/* The same operator new at the same place: the call before has ended by an exception. */
static __always_inline bool is_repeated(const struct call *call, __u64 sp, __u64 ip)
{
	return returns_by_ret(call->function) && call->sp == sp && call->ip == ip;
}

/*
 * Is the stack pointer inside the allocator call that this thread has in flight? (An allocator
 * function called another one, or a signal handler interrupted it.) Only the outermost call counts.
 * A call that can no longer return must not look like an outer call for ever: the stack has shrunk
 * past its frame, or its return address is overwritten. (An equal stack pointer is a tail call,
 * such as from reallocarray to realloc, or a new call from the same place.)
 */
static __always_inline bool call_in_flight(const struct call *call, __u64 sp, __u64 ip)
{
	struct task_struct *task = current_task();

	if (!call->sp || is_repeated(call, sp, ip))
		return false;
	if (on_signal_stack(task, sp) != on_signal_stack(task, call->sp))
		return on_signal_stack(task, sp);
	return call->sp >= sp && may_return(task, call);
}

/* The stack pointers may be equal: a wrapper may jump to the real function. */
static __always_inline bool may_be_inside(const struct free_call *call,
					  const struct free_call *outer)
{
	return outer->sp - call->sp <= MAX_WRAPPER_STACK_BYTES &&
	       (outer->sp != call->sp || outer->ip != call->ip);
}

/*
 * Does this free prove that frees nest in this process? It does if it frees the same block as the
 * outer free, or is in another function. Without that proof, an intact return address of the outer
 * free proves nothing: where one allocator is probed, two frees of early blocks are two frees, even
 * if the second is deeper on the stack. They are counted so, and the count is taken back once
 * nesting is proved.
 */
static __always_inline bool shows_nesting(const struct free_call *call,
					  const struct free_call *outer)
{
	return outer->address == call->address || outer->ip != call->ip;
}

/*
 * The free of a known block that this free is inside of, in a process where no call was seen inside
 * another before.
 */
static __always_inline const struct free_call *known_around(struct space *space,
							    const struct free_call *call)
{
#pragma unroll
	for (int i = 0; i < WIRE_SPACE_SLOTS; i++) {
		const struct free_call *last = &living_space_of(space)->slots[i].last_free;

		if (last->address == call->address && may_be_inside(call, last))
			return last; /* of another CPU if the thread was moved in between */
	}
	return NULL;
}

/*
 * Is this free inside an allocator function, or inside another free? Then outer_address is the
 * block of the outer call. Else further frees may be inside this one, so the thread remembers it. A
 * free has no return probe, which would be the most expensive part of all: as long as the free
 * runs, its return address stands on the stack. (A stale copy of it can also stand in a later frame
 * that has not overwritten it. Where calls nest, a block from before the attach that is freed in
 * such a frame is taken for one of the allocator's own, and is not counted.)
 *
 * Remembering is expensive too, and in most processes one allocator is probed. So a thread does not
 * remember the free of a known block until a call was seen inside another of its kind (calls_nest).
 * The slot of the CPU has the last such free, for the case that the first nested call is inside it,
 * as in a program that allocates by calloc where only malloc and free are wrapped.
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
	if (call_in_flight(&thread->call, call->sp, call->ip))
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
