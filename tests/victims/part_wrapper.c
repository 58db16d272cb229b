// SPDX-License-Identifier: GPL-2.0
/*
 * A library that wraps malloc and free, but none of the other functions that allocate. Its free
 * calls the next one, or jumps there. And it has a block of its own that it hands out again and
 * again, each time to be freed.
 */
#include <dlfcn.h>
#include <stdlib.h>

void *own(void);

static char own_block[64];

void *own(void)
{
	return own_block;
}

void *malloc(size_t size)
{
	return ((void *(*)(size_t))dlsym(RTLD_NEXT, "malloc"))(size);
}

void free(void *block)
{
	static void (*real_free)(void *block);

	if (block == own_block)
		return;
	if (!real_free)
		real_free = (void (*)(void *))dlsym(RTLD_NEXT, "free");
	real_free(block);
#ifndef JUMP
	__asm__ volatile("" : : : "memory");
#endif
}
