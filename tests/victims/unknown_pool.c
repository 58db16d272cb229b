// SPDX-License-Identifier: GPL-2.0
/*
 * unknown_pool [call [aligned]]: keeps 40 MB in an allocator of its own, whose names nobody knows;
 * with call also one block of malloc's; with aligned 40 MB of small blocks, each on its page,
 * instead of its own.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { POOL_BYTES = 64 << 20, NR_BLOCKS = 1000, BLOCK_BYTES = 40000 };
enum { NR_PAGES = 10000, PAGE_BYTES = 4096 };

static char *pool;
static size_t used_bytes;

static void *take(size_t bytes)
{
	void *block = pool + used_bytes;

	used_bytes += bytes;
	return memset(block, 1, bytes);
}

int main(int argc, char **argv)
{
	void *volatile block;

	(void)argv;
	for (int i = 0; argc > 2 && i < NR_PAGES; i++) {
		block = aligned_alloc(PAGE_BYTES, 16);
		if (!block)
			return 1;
		memset(block, 1, 16);
	}
	if (argc > 2)
		return 0;
	pool = mmap(NULL, POOL_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pool == MAP_FAILED)
		return 1;
	for (int i = 0; i < NR_BLOCKS; i++)
		take(BLOCK_BYTES);
	if (argc > 1)
		block = malloc(4096);
	(void)block;
	return 0;
}
