/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Parts of stacks that nobody uses any more, and whose old pointers must hold no block: below the
 * stack pointers of threads, and the stacks that ended threads left in libc's cache.
 */
#ifndef DEAD_STACKS_H
#define DEAD_STACKS_H

#include <stdbool.h>
#include <stdint.h>

#include "leaks/glibc_arenas.h"
#include "leaks/memory_reader.h"
#include "leaks/paused_process.h"
#include "leaks/process_areas.h"

/* Where stacks are looked for. */
struct stack_search {
	const struct paused_process *process;
	const struct process_areas *areas;
	const struct memory_reader *memory;
};

/*
 * What lies below the stack pointers, sorted. Of a thread that runs on a stack of its own making
 * (sigaltstack, a coroutine), and of one whose stack has no known bounds, it is nothing. *dead is
 * new. Returns 0 or -ENOMEM.
 */
int dead_stacks__below(struct range_list *dead, const struct stack_search *search);

/*
 * Whether words at such an address can be the TCB of a thread of glibc: it holds its own address
 * twice.
 */
#define TCB_ALIGNMENT 64
#define TCB_WORDS 3
static inline bool dead_stacks__may_be_tcb(uint64_t address, const uint64_t *words)
{
	return words[0] == address && words[2] == address;
}

/*
 * Whether a thread that has ended left its TCB there. Then *dead is its stack, up to its
 * thread-local variables, which still count.
 */
bool dead_stacks__ended(uint64_t tcb, const struct stack_search *search,
			struct address_range *dead);

#endif
