// SPDX-License-Identifier: GPL-2.0
/*
 * The whole malloc family, to be preloaded or linked in: it needs no other allocator, and gives no
 * memory back.
 */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define REGION_BYTES (1ULL << 30)
#define PAGE_BYTES 4096
#define UNIT 16 /* of sizes and addresses, and what the size of a block takes before it */

static char *next, *end;

void *malloc(size_t size)
{
	char *block;

	if (!next) {
		next = mmap(NULL, REGION_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		end = next + REGION_BYTES;
	}
	if (size > REGION_BYTES || (size_t)(end - next) < size + 2 * UNIT) {
		errno = ENOMEM;
		return NULL;
	}
	block = next + UNIT;
	*(size_t *)next = size;
	next = block + (size + UNIT - 1) / UNIT * UNIT;
	return block;
}

void free(void *block)
{
	(void)block;
}

void *calloc(size_t nr, size_t size)
{
	if (size && nr > REGION_BYTES / size) {
		errno = ENOMEM;
		return NULL;
	}
	return malloc(nr * size);
}

void *realloc(void *block, size_t size)
{
	size_t old_size = block ? *(size_t *)((char *)block - UNIT) : 0;
	void *grown = malloc(size);

	if (grown && block)
		memcpy(grown, block, old_size < size ? old_size : size);
	return grown;
}

void *reallocarray(void *block, size_t nr, size_t size)
{
	if (size && nr > REGION_BYTES / size) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(block, nr * size);
}

void *memalign(size_t alignment, size_t size)
{
	size_t room = alignment > UNIT ? alignment : 0;
	char *block = size < REGION_BYTES ? malloc(size + room) : NULL;
	size_t past = room ? (size_t)block % room : 0;

	if (block && past)
		block += room - past;
	if (block)
		((size_t *)block)[-UNIT / (int)sizeof(size_t)] = size;
	return block;
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return memalign(alignment, size);
}

int posix_memalign(void **place, size_t alignment, size_t size)
{
	void *block = memalign(alignment, size);

	if (!block)
		return ENOMEM;
	*place = block;
	return 0;
}

void *valloc(size_t size)
{
	return memalign(PAGE_BYTES, size);
}

void *pvalloc(size_t size)
{
	return memalign(PAGE_BYTES, (size + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES);
}
