// SPDX-License-Identifier: GPL-2.0
/*
 * Frees blocks from calloc, 100 of them, and the block of the library part_wrapper, whose
 * allocation nobody can see: 30 times from one place, 30 times from another one deeper on the stack.
 */
#include "truth.h"

void *own(void);

static NOINLINE void use(size_t size)
{
	void *block = calloc(1, size);

	truth_allocated(block, size);
	free(block);
	truth_freed(size);
}

static NOINLINE void free_deeper(int depth)
{
	if (depth)
		free_deeper(depth - 1);
	else
		free(own());
	__asm__ volatile("" : : : "memory");
}

int main(void)
{
	alarm(60);
	for (size_t i = 0; i < 70; i++)
		use(100 + i);
	for (size_t i = 0; i < 30; i++) {
		free(own());
		use(100 + i);
		free_deeper(3);
	}
	truth_print();
	return 0;
}
