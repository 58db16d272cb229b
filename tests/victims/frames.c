// SPDX-License-Identifier: GPL-2.0
/*
 * A known stack for each block: main calls outer calls middle calls inner, which allocates. Prints
 * "FUNCTION LINE" for each frame, innermost first, so that a report can be held against it.
 * Built with frame pointers (frames), without (frames_omit), static and stripped of DWARF.
 */
#include "truth.h"

static int line_inner, line_middle, line_outer, line_main;

static NOINLINE void *inner(size_t size)
{
	void *block;

	line_inner = __LINE__ + 1;
	block = malloc(size);
	truth_allocated(block, size);
	return block;
}

static NOINLINE void *middle(size_t size)
{
	void *block;

	line_middle = __LINE__ + 1;
	block = inner(size);
	*(volatile char *)block = 1;
	return block;
}

static NOINLINE void *outer(size_t size)
{
	void *block;

	line_outer = __LINE__ + 1;
	block = middle(size);
	*(volatile char *)block = 2;
	return block;
}

static void print_frame(const char *function, int line)
{
	char text[64];

	snprintf(text, sizeof(text), "%s %d\n", function, line);
	say(text);
}

int main(void)
{
	void *block;

	line_main = __LINE__ + 1;
	block = outer(4321);
	*(volatile char *)block = 3;
	print_frame("inner", line_inner);
	print_frame("middle", line_middle);
	print_frame("outer", line_outer);
	print_frame("main", line_main);
	truth_print();
	return 0;
}
