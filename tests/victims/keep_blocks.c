// SPDX-License-Identifier: GPL-2.0
/*
 * Preloaded, it keeps every block that a program allocates, so that reports, which list the stacks
 * of held blocks, list the stacks of all allocations. It defines no malloc and is no allocator. The
 * tracer, which must be started with the environment of the program, keeps nothing.
 */
#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void __libc_free(void *block);
void *__libc_realloc(void *block, size_t size);

static bool is_tracer(void)
{
	static int answer = -1;

	if (answer < 0)
		answer = program_invocation_short_name &&
			 !strcmp(program_invocation_short_name, "memleak-bpf");
	return answer;
}

void free(void *block)
{
	if (is_tracer())
		__libc_free(block);
}

void *realloc(void *block, size_t size)
{
	void *moved;

	if (is_tracer())
		return __libc_realloc(block, size);
	if (block && !size)
		return NULL;
	moved = malloc(size);
	if (moved && block) {
		size_t old = malloc_usable_size(block);

		memcpy(moved, block, old < size ? old : size);
	}
	return moved;
}

/* The C library's function leaves no frame: it jumps to realloc. */
void *reallocarray(void *block, size_t nr, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(nr, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(block, bytes);
}
