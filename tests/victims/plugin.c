// SPDX-License-Identifier: GPL-2.0
/* A library that load_plugin opens while it runs. */
#include <stdlib.h>

void *plugin_keep(size_t size);

__attribute__((noinline)) void *plugin_keep(size_t size)
{
	void *block = malloc(size);

	/* Work after the call, so that it can't become a jump. */
	__asm__ volatile("" ::: "memory");
	return block;
}
