// SPDX-License-Identifier: GPL-2.0
/*
 * User stack → frames → stack id. The walk follows frame pointers. It is taken when the allocator
 * returns: there the instruction pointer is the return address in the immediate caller, which a
 * walk at the allocator's entry would lose (the caller's frame pointer is not pushed yet).
 */
#include "allocator.h"

/* A 64-bit mixing step (the multiplier and shifts of splitmix64's finalizer). */
static __always_inline __u64 mix(__u64 hash, __u64 word)
{
	hash = (hash ^ word) * 0xbf58476d1ce4e5b9ULL;
	return hash ^ (hash >> 29);
}

static __always_inline __u64 hash_frames(const struct stack *stack, __u64 seed)
{
	__u64 hash = mix(0x9e3779b97f4a7c15ULL, seed);

	for (__u32 i = 0; i < WIRE_MAX_FRAMES; i++) {
		if (i >= stack->nr_frames)
			break;
		hash = mix(hash, stack->frames[i]);
	}
	return hash == WIRE_STACK_UNKNOWN ? 1 : hash;
}

__hidden __u64 record_stack(struct pt_regs *ctx, struct stack *scratch, __u64 serial)
{
	long bytes = bpf_get_stack(ctx, scratch->frames, sizeof(scratch->frames), BPF_F_USER_STACK);
	__u64 id;

	if (bytes <= 0)
		return WIRE_STACK_UNKNOWN;
	scratch->nr_frames = bytes / sizeof(scratch->frames[0]);
	/* kernel.perf_event_max_stack bounds the walk at 127 by default. */
	scratch->truncated = scratch->nr_frames >= WIRE_MAX_FRAMES - 1;
	id = hash_frames(scratch, serial);
	if (bpf_map_lookup_elem(&stacks, &id))
		return id;
	if (bpf_map_update_elem(&stacks, &id, scratch, BPF_ANY))
		return WIRE_STACK_UNKNOWN;
	return id;
}

char LICENSE[] SEC("license") = "GPL";
