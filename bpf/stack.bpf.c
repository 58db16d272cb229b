// SPDX-License-Identifier: GPL-2.0
/*
 * User stack → frames → stack id. It is taken when the allocator returns: there the instruction
 * pointer is the return address in the immediate caller, which a walk by frame pointers at the
 * allocator's entry would lose (the caller's frame pointer is not pushed yet).
 */
#include "allocator.h"
#include "unwind.h"

/* The default of kernel.perf_event_max_stack, which bounds the kernel's own walk. */
#define KERNEL_FRAMES 127
#define PIECE_WORDS 128

const volatile __u32 config_max_frames = WIRE_MAX_FRAMES;

/* A 64-bit mixing step (the multiplier and shifts of splitmix64's finalizer). */
static __always_inline __u64 mix(__u64 hash, __u64 word)
{
	hash = (hash ^ word) * 0xbf58476d1ce4e5b9ULL;
	return hash ^ (hash >> 29);
}

/* Equal for equal stacks of all processes, unless a frame is an address that means one of them. */
static __always_inline __u64 name_frames(const struct stack *stack, __u64 serial)
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

/* The verifier follows its loop once, not once for each way to it (see unwind.bpf.c). */
__noinline __u64 name_stack(const struct stack *stack, __u64 serial)
{
	return stack ? name_frames(stack, serial) : WIRE_STACK_UNKNOWN;
}

static __always_inline __u64 keep_stack(const struct stack *stack, __u64 id)
{
	if (bpf_map_lookup_elem(&stacks, &id))
		return id;
	return bpf_map_update_elem(&stacks, &id, stack, BPF_ANY) ? WIRE_STACK_UNKNOWN : id;
}

__hidden __u64 record_stack_old(struct pt_regs *ctx, struct thread *thread,
				const struct space *space, __u64 return_address)
{
	struct stack *stack = &thread->scratch.stack;
	/* One more than is kept, to see whether there are more. */
	__u32 wanted = config_max_frames < WIRE_MAX_FRAMES ? config_max_frames + 1 :
							     WIRE_MAX_FRAMES;
	long bytes = bpf_get_stack(ctx, stack->frames, wanted * sizeof(stack->frames[0]),
				   BPF_F_USER_STACK);

	if (bytes <= 0)
		return WIRE_STACK_UNKNOWN;
	/* The frame pointer is the caller's already. */
	if (return_address)
		stack->frames[0] = return_address;
	stack->nr_frames = bytes / sizeof(stack->frames[0]);
	stack->end = stack->nr_frames >= wanted || stack->nr_frames >= KERNEL_FRAMES ?
			     STACK_FULL :
			     STACK_FRAME_POINTERS;
	if (stack->nr_frames > config_max_frames)
		stack->nr_frames = config_max_frames;
	/* Kernels before 5.12 know no such function with a pointer. */
	return keep_stack(stack, name_frames(stack, space->serial));
}

/* Copies the stack from there on, as far as it goes, by the KiB. Returns how many words. */
static __always_inline __u32 copy_words(__u64 *words, __u64 sp)
{
	__u32 nr = 0;

	for (int i = 0; i < WIRE_STACK_COPY_WORDS / PIECE_WORDS; i++) {
		if (bpf_probe_read_user(words + i * PIECE_WORDS, PIECE_WORDS * sizeof(*words),
					(void *)(sp + i * PIECE_WORDS * sizeof(*words))))
			break;
		nr += PIECE_WORDS;
	}
	return nr;
}

/*
 * A file that was met for the first time has no table yet. User space makes one and finishes the
 * walk: by then the thread will have gone on, so the stack is copied.
 */
static __always_inline __u64 leave_to_user_space(struct thread *thread, struct space *space)
{
	const struct stack *stack = &thread->scratch.stack;
	const struct walk *walk = &thread->walk;
	__u64 id = name_stack(stack, space->serial), now_ns = bpf_ktime_get_ns();
	struct unfinished_walk *unfinished = NULL;

	if (space->unfinished_walks < WIRE_UNFINISHED_WALKS)
		unfinished = bpf_ringbuf_reserve(&ring, sizeof(*unfinished), 0);
	if (!unfinished)
		return keep_stack(stack, id);
	space->unfinished_walks++;
	/* One stack pointer can't be twice in the same nanosecond. */
	id = keep_stack(stack, mix(mix(id, now_ns), walk->sp) | WIRE_STACK_OWN);
	unfinished->type = EVENT_UNFINISHED_WALK;
	unfinished->tgid = space->tgid;
	unfinished->stack_id = id;
	unfinished->time_ns = now_ns;
	unfinished->ip = walk->ip;
	unfinished->sp = walk->sp;
	unfinished->bp = walk->bp;
	unfinished->file = walk->missing_file;
	unfinished->base = walk->missing_base;
	unfinished->exact = walk->exact;
	unfinished->nr_words = copy_words(unfinished->words, walk->sp);
	bpf_ringbuf_submit(unfinished, 0);
	return id;
}

__hidden __u64 record_stack(struct pt_regs *ctx, struct thread *thread, struct space *space,
			    __u64 return_address)
{
	const struct stack *stack = &thread->scratch.stack;

	if (!config_unwind)
		return record_stack_old(ctx, thread, space, return_address);
	unwind(ctx, thread, space, return_address);
	if (stack->end == STACK_NO_TABLE)
		return leave_to_user_space(thread, space);
	return keep_stack(stack, name_stack(stack, space->serial));
}

char LICENSE[] SEC("license") = "GPL";
