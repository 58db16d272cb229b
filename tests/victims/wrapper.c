// SPDX-License-Identifier: GPL-2.0
/*
 * A library whose malloc, realloc and free call the next ones and keep a record of each block, in
 * memory from the same place: as preloaded profilers and debugging allocators do. RECORD_FIRST:
 * free gives the record back, by the program's own free, before the block; else after it. Then
 * realloc allocates, copies and frees.
 */
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define NR_LISTS 4096

struct record {
	void *block;
	struct record *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct record *lists[NR_LISTS];

static void *(*real_malloc)(size_t size);
static void *(*real_realloc)(void *block, size_t size);
static void (*real_free)(void *block);

static void find_real(void)
{
	if (real_free)
		return;
	real_malloc = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
	real_realloc = (void *(*)(void *, size_t))dlsym(RTLD_NEXT, "realloc");
	real_free = (void (*)(void *))dlsym(RTLD_NEXT, "free");
}

static struct record **list_of(const void *block)
{
	return &lists[(size_t)block / 16 % NR_LISTS];
}

static void *note(void *block)
{
	struct record *record = block ? real_malloc(sizeof(*record)) : NULL;

	if (!record)
		return block;
	record->block = block;
	pthread_mutex_lock(&lock);
	record->next = *list_of(block);
	*list_of(block) = record;
	pthread_mutex_unlock(&lock);
	return block;
}

static struct record *take(const void *block)
{
	struct record **link, *record;

	pthread_mutex_lock(&lock);
	for (link = list_of(block); *link && (*link)->block != block; link = &(*link)->next)
		;
	record = *link;
	if (record)
		*link = record->next;
	pthread_mutex_unlock(&lock);
	return record;
}

void *malloc(size_t size)
{
	find_real();
	return note(real_malloc(size));
}

void free(void *block)
{
	struct record *record;

	if (!block)
		return;
	find_real();
	record = take(block);
#ifdef RECORD_FIRST
	free(record);
	real_free(block);
#else
	real_free(block);
	real_free(record);
#endif
}

void *realloc(void *block, size_t size)
{
	find_real();
#ifdef RECORD_FIRST
	if (block && size) {
		void *moved = real_realloc(block, size);

		if (moved) {
			free(take(block));
			note(moved);
		}
		return moved;
	}
#else
	if (block && size) {
		size_t old = malloc_usable_size(block);
		void *moved = malloc(size);

		if (moved) {
			memcpy(moved, block, old < size ? old : size);
			free(block);
		}
		return moved;
	}
#endif
	if (!block)
		return malloc(size);
	free(block);
	return NULL;
}
