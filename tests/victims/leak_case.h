/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A victim of many cases, each a heap whose lost blocks are known. A case runs below main, and its
 * frames are overwritten before main returns: so no copy of a pointer stays on the stack by chance.
 * What is said of a case is what holds at the process's end.
 */
#ifndef LEAK_CASE_H
#define LEAK_CASE_H

#include "truth.h"

struct leak_case {
	const char *name;
	void (*run)(void);
};

/*
 * Overwrites what functions called earlier have left below the caller's frame, and in registers
 * that each call may change.
 */
static NOINLINE MAYBE_UNUSED void scrub(void)
{
	volatile char below[65536];

	for (size_t i = 0; i < sizeof(below); i++)
		below[i] = 0;
#ifdef __x86_64__
	__asm__ volatile(
		"xor %%ecx, %%ecx; xor %%edx, %%edx; xor %%esi, %%esi; xor %%edi, %%edi;"
		"xor %%r8d, %%r8d; xor %%r9d, %%r9d; xor %%r10d, %%r10d; xor %%r11d, %%r11d"
		:
		:
		: "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "cc");
#endif
}

/* Every byte is written: what free leaves in a block that is reused would be there else. */
static NOINLINE MAYBE_UNUSED void *allocate(size_t size)
{
	void *block = malloc(size);

	if (!block)
		die("malloc");
	memset(block, 0, size);
	return block;
}

/* Nobody keeps the pointers. */
static NOINLINE MAYBE_UNUSED void lose(int count, size_t size)
{
	for (int i = 0; i < count; i++)
		__asm__ volatile("" : : "r"(allocate(size)) : "memory");
}

/* A list of that many nodes of that size; the first word of each points to the next. */
static NOINLINE MAYBE_UNUSED void *make_list(int count, size_t size)
{
	void *list = NULL;

	for (int i = 0; i < count; i++) {
		void **node = (void **)allocate(size);

		*node = list;
		list = node;
	}
	return list;
}

static inline MAYBE_UNUSED int run_case(const struct leak_case *cases, size_t nr, int argc,
					char **argv)
{
	for (size_t i = 0; argc == 2 && i < nr; i++) {
		if (strcmp(cases[i].name, argv[1]) == 0) {
			cases[i].run();
			scrub();
			return 0;
		}
	}
	say("no such case\n");
	return 97;
}

#endif
