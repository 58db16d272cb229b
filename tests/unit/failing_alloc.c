// SPDX-License-Identifier: GPL-2.0
/*
 * The other end of the linker's --wrap: counts down, then answers like an allocator that has run
 * out. It stands between the objects of user/ and libc and knows neither.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <limits.h>

#include "failing_alloc.h"

/* The linker's names: __wrap_X is what callers of X reach, __real_X is libc's X. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t nr, size_t size);
void *__real_realloc(void *block, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t nr, size_t size);
void *__wrap_realloc(void *block, size_t size);
char *__wrap_strdup(const char *text);

#define NEVER LONG_MAX

static atomic_long nr_left = NEVER;

void failing_alloc__after(long nr)
{
	atomic_store(&nr_left, nr);
}

void failing_alloc__never(void)
{
	atomic_store(&nr_left, NEVER);
}

static bool may_allocate(void)
{
	long left = atomic_load(&nr_left);

	do {
		if (left == NEVER)
			return true;
		if (left <= 0) {
			errno = ENOMEM;
			return false;
		}
	} while (!atomic_compare_exchange_weak(&nr_left, &left, left - 1));
	return true;
}

void *__wrap_malloc(size_t size)
{
	return may_allocate() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t nr, size_t size)
{
	return may_allocate() ? __real_calloc(nr, size) : NULL;
}

void *__wrap_realloc(void *block, size_t size)
{
	return may_allocate() ? __real_realloc(block, size) : NULL;
}

char *__wrap_strdup(const char *text)
{
	return may_allocate() ? __real_strdup(text) : NULL;
}
