// SPDX-License-Identifier: GPL-2.0
/*
 * An allocator's caller that the compiler has put into its own caller, twice: main calls holder,
 * with wrap in it, with take in that, which allocates. Prints "FUNCTION LINE" for each frame,
 * innermost first, like frames.c.
 */
#include "truth.h"

#define INLINE inline __attribute__((always_inline))

static int line_take, line_wrap, line_holder, line_main;

static INLINE void *take(size_t size)
{
	void *block;

	line_take = __LINE__ + 1;
	block = malloc(size);
	truth_allocated(block, size);
	return block;
}

static INLINE void *wrap(size_t size)
{
	void *block = NULL;

	for (int i = 0; i < 2; i++) {
		if (block)
			continue;
		line_wrap = __LINE__ + 1;
		block = take(size);
	}
	return block;
}

static NOINLINE void *holder(size_t size)
{
	void *block;

	line_holder = __LINE__ + 1;
	block = wrap(size);
	*(volatile char *)block = 1;
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
	block = holder(4321);
	*(volatile char *)block = 2;
	print_frame("take", line_take);
	print_frame("wrap", line_wrap);
	print_frame("holder", line_holder);
	print_frame("main", line_main);
	truth_print();
	return 0;
}
