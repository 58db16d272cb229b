// SPDX-License-Identifier: GPL-2.0
/*
 * many_stacks [COUNT [DEPTH]]: COUNT blocks of 32 bytes, each from a stack of its own: the bits of
 * its number choose left or right at each level. Compiled with frame pointers, without tail calls.
 */
#include "truth.h"

static NOINLINE void left(unsigned long path, int depth);
static NOINLINE void right(unsigned long path, int depth);

static NOINLINE void leaf(void)
{
	truth_allocated(malloc(32), 32);
}

static inline __attribute__((always_inline)) void step(unsigned long path, int depth)
{
	if (depth == 0)
		leaf();
	else if (path & 1)
		right(path >> 1, depth - 1);
	else
		left(path >> 1, depth - 1);
	/* Work after the call, so that it can't become a jump. */
	__asm__ volatile("" ::: "memory");
}

static void left(unsigned long path, int depth)
{
	step(path, depth);
}

static void right(unsigned long path, int depth)
{
	step(path, depth);
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
	int depth = argc > 2 ? atoi(argv[2]) : 20;

	for (unsigned long i = 0; i < count; i++)
		left(i, depth);
	truth_print();
	return 0;
}
