// SPDX-License-Identifier: GPL-2.0
/*
 * User stack → frames → stack id. It is taken when the allocator returns: there the instruction
 * pointer is the return address in the immediate caller, which a walk by frame pointers at the
 * allocator's entry would lose (the caller's frame pointer is not pushed yet).
 */
#include "allocator.h"
#include "unwind.h"

/* A 64-bit mixing step (the multiplier and shifts of splitmix64's finalizer). */
static __always_inline __u64 mix(__u64 hash, __u64 word)
{
	hash = (hash ^ word) * 0xbf58476d1ce4e5b9ULL;
	return hash ^ (hash >> 29);
}

/* Equal for equal stacks of all processes, unless a frame is an address that means one of them. */
static __always_inline __u64 name_stack(const struct stack *stack, __u64 serial)
{
	__u64 hash = mix(0x9e3779b97f4a7c15ULL, stack->end);
	bool own = false;

	for (__u32 i = 0; i < WIRE_MAX_FRAMES; i++) {
		if (i >= stack->nr_frames)
			break;
		hash = mix(hash, stack->frames[i]);
		own |= !(stack->frames[i] >> WIRE_FRAME_FILE_SHIFT);
	}
	if (own)
		return mix(hash, serial) | WIRE_STACK_OWN;
	hash &= ~WIRE_STACK_OWN;
	return hash == WIRE_STACK_UNKNOWN ? 2 : hash;
}

static __always_inline __u64 keep_stack(const struct stack *stack, __u64 serial)
{
	__u64 id = name_stack(stack, serial);

	if (bpf_map_lookup_elem(&stacks, &id))
		return id;
	return bpf_map_update_elem(&stacks, &id, stack, BPF_ANY) ? WIRE_STACK_UNKNOWN : id;
}

__hidden __u64 record_stack_old(struct pt_regs *ctx, struct thread *thread,
				const struct space *space)
{
	struct stack *stack = &thread->scratch.stack;
	long bytes = bpf_get_stack(ctx, stack->frames, sizeof(stack->frames), BPF_F_USER_STACK);

	if (bytes <= 0)
		return WIRE_STACK_UNKNOWN;
	stack->nr_frames = bytes / sizeof(stack->frames[0]);
	/* kernel.perf_event_max_stack bounds the walk at 127 by default. */
	stack->end = stack->nr_frames >= WIRE_MAX_FRAMES - 1 ? STACK_FULL : STACK_FRAME_POINTERS;
	return keep_stack(stack, space->serial);
}

__hidden __u64 record_stack(struct pt_regs *ctx, struct thread *thread, const struct space *space)
{
	if (!config_unwind)
		return record_stack_old(ctx, thread, space);
	unwind(ctx, thread, space);
	return keep_stack(&thread->scratch.stack, space->serial);
}

char LICENSE[] SEC("license") = "GPL";
