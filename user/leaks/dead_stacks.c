// SPDX-License-Identifier: GPL-2.0
/*
 * Finds the bounds of stacks by what libc's thread descriptors say. These are read out of the
 * process; a wrong one can make this process's own result wrong, and nothing else.
 */
#include "leaks/dead_stacks.h"

#include <string.h>

#include "leaks/range_list.h"

#define PAGE_BYTES 4096
#define RED_ZONE_BYTES 128 /* below the stack pointer, but in use: System V ABI, x86-64, 3.2.2 */

/*
 * The descriptor starts at the TCB, at the top of the stack's mapping. In glibc it is struct
 * pthread (nptl/descr.h), of 2304 bytes in 2.36. It has stackblock and stackblock_size side by
 * side, and musl's has map_base and map_size.
 */
#define DESCRIPTOR_WORDS 512
#define DESCRIPTOR_ROOM_BYTES 8192

/*
 * The DTV of glibc: a count at -1, the generation at 0, then two words a module, the first of which
 * is the address of its thread-local variables (sysdeps/generic/dl-dtv.h).
 */
#define DTV_ENTRY_WORDS 2
#define DTV_MAX_ENTRIES 1024

/* Whether two words are the base and size of the stack that has this TCB at its top. */
static bool is_stack_of(uint64_t tcb, uint64_t base, uint64_t size_bytes)
{
	uint64_t end;

	return size_bytes && base % PAGE_BYTES == 0 && size_bytes % PAGE_BYTES == 0 &&
	       !__builtin_add_overflow(base, size_bytes, &end) && base < tcb && tcb < end &&
	       end - tcb <= DESCRIPTOR_ROOM_BYTES;
}

static bool find_stack(uint64_t tcb, const struct memory_reader *memory,
		       struct address_range *stack)
{
	uint64_t words[DESCRIPTOR_WORDS];
	size_t nr = memory->read(memory->context, tcb, words, sizeof(words)) / sizeof(*words);

	for (size_t i = 0; i + 1 < nr; i++) {
		if (!is_stack_of(tcb, words[i], words[i + 1]))
			continue;
		*stack = (struct address_range){ words[i], words[i] + words[i + 1] };
		return true;
	}
	return false;
}

static bool lies_in(const struct address_range *range, uint64_t address)
{
	return range->start <= address && address < range->end;
}

/*
 * Where dead memory ends below the stack pointer. What a function keeps in the red zone counts only
 * as long as it calls no other, and Valgrind forgets it at each call and return
 * (MC_(helperc_MAKE_STACK_UNINIT)). So at the end of a process, in a system call, old frames have
 * left what is there. Before that it may be a function's own that makes the call itself.
 */
static uint64_t dead_end(const struct paused_process *process, const struct paused_thread *thread)
{
	uint64_t end = thread->stack_pointer;

	if (!process->at_end || !thread->in_syscall)
		end = end > RED_ZONE_BYTES ? end - RED_ZONE_BYTES : 0;
	return end & -sizeof(uint64_t);
}

/*
 * What the kernel saves of an interrupted function when a handler runs: struct ucontext, in words.
 * Its uc_stack is the alternate stack, if the thread has one (setup_rt_frame() in
 * arch/x86/kernel/signal_64.c).
 */
enum { UC_FLAGS, UC_LINK, UC_STACK_POINTER, UC_STACK_BYTES = 4, UC_RSP = 20, UC_WORDS = 22 };
#define UC_MAX_FLAGS 7

#define PIECE_WORDS 1024

/* Stacks are mostly not deep. This bounds how long a process is held. */
#define MAX_LIVE_BYTES ((uint64_t)8 << 20)

/*
 * The lowest address that counts of a function that was interrupted for a handler on the alternate
 * stack there, which is a part of the given one. UINT64_MAX: there is none.
 */
static uint64_t interrupted_at(uint64_t address, const uint64_t *words,
			       const struct address_range *stack)
{
	uint64_t start = words[UC_STACK_POINTER], bytes = words[UC_STACK_BYTES];

	if (words[UC_FLAGS] > UC_MAX_FLAGS || words[UC_LINK] || address < start ||
	    address - start >= bytes || !lies_in(stack, start) || bytes > stack->end - start ||
	    !lies_in(stack, words[UC_RSP]))
		return UINT64_MAX;
	return (words[UC_RSP] - RED_ZONE_BYTES) & -sizeof(*words);
}

/*
 * The alternate stack of a handler can be a part of the thread's own one, above functions that it
 * interrupted. Returns the lowest address of these, or what is given.
 */
static uint64_t below_interrupted(const struct stack_search *search, uint64_t lowest,
				  const struct address_range *stack)
{
	uint64_t words[PIECE_WORDS], at = lowest, end = stack->end;

	if (end > at && end - at > MAX_LIVE_BYTES)
		end = at + MAX_LIVE_BYTES;
	while (at < end && end - at >= UC_WORDS * sizeof(*words)) {
		size_t size = end - at < sizeof(words) ? end - at : sizeof(words);
		size_t nr = search->memory->read(search->memory->context, at, words, size) /
			    sizeof(*words);

		if (nr < UC_WORDS)
			break;
		for (size_t i = 0; i + UC_WORDS <= nr; i++) {
			uint64_t interrupted =
				interrupted_at(at + i * sizeof(*words), words + i, stack);

			if (interrupted < lowest)
				lowest = interrupted;
		}
		at += (nr - UC_WORDS + 1) * sizeof(*words);
	}
	return lowest;
}

/*
 * The first thread's stack has a mapping of its own. The kernel grows it below the stack pointer,
 * so all down there is dead. When the first thread has ended or runs elsewhere, its frames are not
 * known.
 */
static int add_first_stack(struct range_list *dead, const struct stack_search *search)
{
	const struct paused_process *process = search->process;
	const struct area *stack = NULL;
	uint64_t lowest = UINT64_MAX;

	for (size_t i = 0; i < process->nr_threads; i++) {
		const struct paused_thread *thread = &process->threads[i];
		const struct area *area = process_areas__find(search->areas, thread->stack_pointer);

		if (!area || area->kind != AREA_STACK)
			continue;
		if (thread->tid == process->tgid)
			stack = area;
		/* Another thread may have made a coroutine's stack of a part of it. */
		if (dead_end(process, thread) < lowest)
			lowest = dead_end(process, thread);
	}
	if (stack)
		lowest = below_interrupted(search, lowest,
					   &(struct address_range){ stack->start, stack->end });
	return stack ? range_list__add(dead, stack->start, lowest) : 0;
}

static int add_other_stack(struct range_list *dead, const struct paused_thread *thread,
			   const struct stack_search *search)
{
	const struct area *area = process_areas__find(search->areas, thread->stack_pointer);
	struct address_range stack;
	uint64_t start;

	if (!area || area->kind == AREA_STACK)
		return 0;
	if (!find_stack(thread->thread_pointer, search->memory, &stack) ||
	    !lies_in(&stack, thread->stack_pointer))
		return 0;
	start = stack.start > area->start ? stack.start : area->start;
	return range_list__add(
		dead, start, below_interrupted(search, dead_end(search->process, thread), &stack));
}

int dead_stacks__below(struct range_list *dead, const struct stack_search *search)
{
	int err;

	*dead = (struct range_list){ 0 };
	err = add_first_stack(dead, search);
	for (size_t i = 0; i < search->process->nr_threads && !err; i++)
		err = add_other_stack(dead, &search->process->threads[i], search);
	if (err)
		range_list__free(dead);
	else
		range_list__sort(dead);
	return err;
}

/*
 * Where the thread-local variables below the TCB begin, by its DTV. glibc notes those of a stack in
 * there when it makes the thread (_dl_allocate_tls_init). 0: not known.
 */
static uint64_t find_variables(uint64_t tcb, const struct address_range *stack,
			       const struct memory_reader *memory)
{
	uint64_t words[DTV_MAX_ENTRIES * DTV_ENTRY_WORDS], dtv, lowest = tcb;
	size_t nr;

	if (!memory_reader__all(memory, tcb + sizeof(dtv), &dtv, sizeof(dtv)) ||
	    dtv % sizeof(dtv) || dtv < DTV_ENTRY_WORDS * sizeof(dtv))
		return 0;
	/* The DTV is a small block, so reading may end at its page's end. */
	nr = memory->read(memory->context, dtv - DTV_ENTRY_WORDS * sizeof(dtv), words,
			  sizeof(words)) /
	     sizeof(*words);
	if (nr < 2 * DTV_ENTRY_WORDS || words[0] > DTV_MAX_ENTRIES)
		return 0;
	/* words[0] counts entries after the generation. */
	if (nr / DTV_ENTRY_WORDS > words[0] + 2)
		nr = (words[0] + 2) * DTV_ENTRY_WORDS;
	for (size_t i = 2 * DTV_ENTRY_WORDS; i + 1 < nr; i += DTV_ENTRY_WORDS) {
		if (lies_in(stack, words[i]) && words[i] < lowest)
			lowest = words[i];
	}
	return lowest & -sizeof(uint64_t);
}

static bool is_used(const struct address_range *stack, const struct paused_process *process)
{
	for (size_t i = 0; i < process->nr_threads; i++) {
		const struct paused_thread *thread = &process->threads[i];

		if (lies_in(stack, thread->thread_pointer) || lies_in(stack, thread->stack_pointer))
			return true;
	}
	return false;
}

bool dead_stacks__ended(uint64_t tcb, const struct stack_search *search, struct address_range *dead)
{
	const struct area *area = process_areas__find(search->areas, tcb);
	struct address_range stack;
	uint64_t words[TCB_WORDS], variables;

	if (!area || !memory_reader__all(search->memory, tcb, words, sizeof(words)) ||
	    !dead_stacks__may_be_tcb(tcb, words) || !find_stack(tcb, search->memory, &stack) ||
	    is_used(&stack, search->process))
		return false;
	variables = find_variables(tcb, &stack, search->memory);
	if (!variables)
		return false;
	dead->start = stack.start > area->start ? stack.start : area->start;
	dead->end = variables;
	return dead->start < dead->end;
}
