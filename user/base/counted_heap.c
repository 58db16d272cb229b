// SPDX-License-Identifier: GPL-2.0
/*
 * glibc's manual, "Replacing malloc": all of a program's libraries call the program's own functions
 * of these names. These count for the heap that the calling thread works for, and call glibc's.
 */
#include "base/counted_heap.h"

#include <errno.h>
#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>

static _Thread_local struct counted_heap *current;
static _Thread_local void (*leave_by)(void);

struct counted_heap *counted_heap__work_for(struct counted_heap *heap)
{
	struct counted_heap *before = current;

	current = heap;
	return before;
}

void counted_heap__leave_by(void (*leave)(void))
{
	leave_by = leave;
}

bool counted_heap__is_full(void)
{
	return current && current->full;
}

bool counted_heap__has_room(uint64_t bytes)
{
	if (!current || !current->has_room || current->has_room(current, bytes))
		return true;
	current->refused = true;
	return false;
}

bool counted_heap__map(uint64_t bytes)
{
	if (!counted_heap__has_room(bytes))
		return false;
	if (current)
		current->bytes += (int64_t)bytes;
	return true;
}

void counted_heap__unmap(uint64_t bytes)
{
	if (current)
		current->bytes -= (int64_t)bytes;
}

/* gcc and clang each have their own way to tell that they sanitize. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_SANITIZED
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define IS_SANITIZED
#endif

#if defined(__GLIBC__) && !defined(IS_SANITIZED)

/* glibc's own functions, under the names that stay when the others are replaced. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t nr, size_t size);
void *__libc_realloc(void *block, size_t size);
void __libc_free(void *block);

static void *count(void *block)
{
	if (current && block)
		current->bytes += (int64_t)malloc_usable_size(block);
	return block;
}

static bool may_allocate(size_t size)
{
	if (counted_heap__has_room(size))
		return true;
	if (leave_by)
		leave_by();
	errno = ENOMEM;
	return false;
}

void *malloc(size_t size)
{
	return may_allocate(size) ? count(__libc_malloc(size)) : NULL;
}

void *calloc(size_t nr, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(nr, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return may_allocate(bytes) ? count(__libc_calloc(nr, size)) : NULL;
}

/* A block that moves takes both places until it is copied, unless the kernel moves its pages. */
void *realloc(void *block, size_t size)
{
	size_t before;
	void *moved;

	if (!current)
		return __libc_realloc(block, size);
	before = block ? malloc_usable_size(block) : 0;
	if (size > before && !may_allocate(size - before))
		return NULL;
	moved = __libc_realloc(block, size);
	if (moved || !size) {
		current->bytes -= (int64_t)before;
		count(moved);
	}
	return moved;
}

void free(void *block)
{
	if (current && block)
		current->bytes -= (int64_t)malloc_usable_size(block);
	__libc_free(block);
}

#endif
