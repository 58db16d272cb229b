// SPDX-License-Identifier: GPL-2.0
/*
 * realloc in all its forms. A realloc that succeeds is counted as one free of the old block and one
 * allocation of the new one, as Valgrind counts it; one that fails leaves the old block held.
 */
#include <stdint.h>

#include "stage.h"
#include "truth.h"

/* volatile: the compiler must not know that these sizes can't be had. */
static volatile size_t huge = (size_t)PTRDIFF_MAX + 1;
static volatile size_t half = SIZE_MAX / 2;
static volatile size_t zero;

static void *resize(void *old, size_t old_size, size_t size)
{
	void *block = realloc(old, size);

	truth_allocated(block, size);
	if (block && old)
		truth_freed(old_size);
	return block ? block : old;
}

static NOINLINE void keep_resized(void)
{
	char *block = resize(NULL, 0, 100);

	block = resize(block, 100, 10000); /* grows, moves or not */
	block = resize(block, 10000, 50); /* shrinks in place */
	memset(block, 1, 50);
}

static NOINLINE void keep_remapped(void)
{
	/* Larger than the mmap threshold: mremap. */
	char *block = resize(NULL, 0, 1 << 20);

	block = resize(block, 1 << 20, 8 << 20);
	block = resize(block, 8 << 20, 2 << 20);
	memset(block, 1, 4096);
}

static NOINLINE void keep_across_failure(void)
{
	char *block = resize(NULL, 0, 777);

	block = resize(block, 777, huge);
	/* realloc_array overflows before it reaches realloc. */
	if (reallocarray(block, half, 4))
		die("reallocarray");
	truth_add(&truth_failed, 1);
	block = reallocarray(block, 4, 200);
	truth_allocated(block, 800);
	truth_freed(777);
}

static NOINLINE void free_by_realloc(void)
{
	char *block = resize(NULL, 0, 333);
	void *rest = realloc(block, zero);

	/* glibc frees and returns NULL; musl and jemalloc return a block of no bytes. */
	truth_freed(333);
	if (rest)
		truth_allocated(rest, 0);
}

static NOINLINE void keep_same_size(void)
{
	char *block = resize(NULL, 0, 64);

	for (int i = 0; i < 10; i++)
		block = resize(block, 64, 64);
}

int main(void)
{
	if (!stage__begin(malloc, free))
		return 0;
	keep_resized();
	keep_remapped();
	keep_across_failure();
	free_by_realloc();
	keep_same_size();
	truth_print();
	return 0;
}
