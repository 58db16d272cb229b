// SPDX-License-Identifier: GPL-2.0
/* Two libraries that differ in nothing but the size of their frames: FRAME_BYTES. */
#include <stdlib.h>

void *plugin_keep(size_t size);

__attribute__((noinline)) void *plugin_keep(size_t size)
{
	char bytes[FRAME_BYTES];
	void *block;

	__asm__ volatile("" : : "r"(bytes) : "memory");
	block = malloc(size);
	__asm__ volatile("" : : "r"(bytes) : "memory");
	return block;
}
