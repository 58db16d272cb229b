// SPDX-License-Identifier: GPL-2.0
/* Calls that return no block: none of them may be counted as one. */
#include <malloc.h>
#include <stdint.h>

#include "truth.h"

static volatile size_t huge = PTRDIFF_MAX;
static volatile size_t larger = (size_t)PTRDIFF_MAX + 1;
static volatile size_t half = SIZE_MAX / 2;
static volatile size_t bad_alignment = 24;

static void failed(void *block)
{
	if (block)
		die("failed");
	truth_add(&truth_failed, 1);
}

int main(void)
{
	void *block = NULL;

	for (int i = 0; i < 10; i++)
		failed(malloc(huge));
	failed(malloc(larger));
	failed(calloc(half, 4));
	failed(calloc(huge, 1));
	failed(realloc(NULL, huge));
	failed(reallocarray(NULL, half, 4));
	failed(memalign(64, huge));
	failed(aligned_alloc(64, huge));
	if (!posix_memalign(&block, 64, huge))
		die("posix_memalign");
	failed(NULL);
	/* EINVAL: the alignment is no power of two; block keeps what it was. */
	block = &block;
	if (!posix_memalign(&block, bad_alignment, 100))
		die("posix_memalign");
	failed(NULL);
	/* The address space ends before PTRDIFF_MAX does; one that only the kernel refuses. */
	failed(malloc(half / 2));
	block = malloc(4242);
	truth_allocated(block, 4242);
	truth_print();
	return 0;
}
