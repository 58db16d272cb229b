// SPDX-License-Identifier: GPL-2.0
/*
 * Every function of the malloc family, each from a function of its own and with sizes of its own,
 * so that a report can be checked for each. Three calls each, the middle block is freed.
 */
#include <errno.h>
#include <malloc.h>

#include "stage.h"
#include "truth.h"

static void keep_two(void *block[3], size_t size)
{
	for (int i = 0; i < 3; i++) {
		if (!block[i])
			die("family");
		truth_allocated(block[i], size);
	}
	free(block[1]);
	truth_freed(size);
}

static NOINLINE void use_malloc(void)
{
	void *block[3] = { malloc(101), malloc(101), malloc(101) };

	keep_two(block, 101);
}

static NOINLINE void use_calloc(void)
{
	void *block[3] = { calloc(7, 29), calloc(7, 29), calloc(7, 29) };

	keep_two(block, 7 * 29);
}

static NOINLINE void use_realloc(void)
{
	void *block[3] = { realloc(NULL, 307), realloc(NULL, 307), realloc(NULL, 307) };

	keep_two(block, 307);
}

static NOINLINE void use_reallocarray(void)
{
	void *block[3] = { reallocarray(NULL, 11, 37), reallocarray(NULL, 11, 37),
			   reallocarray(NULL, 11, 37) };

	keep_two(block, 11 * 37);
}

static NOINLINE void use_memalign(void)
{
	void *block[3] = { memalign(64, 503), memalign(64, 503), memalign(64, 503) };

	keep_two(block, 503);
}

static NOINLINE void use_aligned_alloc(void)
{
	void *block[3] = { aligned_alloc(128, 640), aligned_alloc(128, 640),
			   aligned_alloc(128, 640) };

	keep_two(block, 640);
}

static NOINLINE void use_posix_memalign(void)
{
	void *block[3] = { NULL, NULL, NULL };

	for (int i = 0; i < 3; i++)
		if (posix_memalign(&block[i], 256, 701))
			die("posix_memalign");
	keep_two(block, 701);
}

static NOINLINE void use_valloc(void)
{
	void *block[3] = { valloc(809), valloc(809), valloc(809) };

	keep_two(block, 809);
}

#ifdef __GLIBC__
static NOINLINE void use_pvalloc(void)
{
	void *block[3] = { pvalloc(907), pvalloc(907), pvalloc(907) };

	keep_two(block, 907);
}
#endif

static void use_all(bool with_pvalloc)
{
	use_malloc();
	use_calloc();
	use_realloc();
	use_reallocarray();
	use_memalign();
	use_aligned_alloc();
	use_posix_memalign();
	use_valloc();
#ifdef __GLIBC__
	if (with_pvalloc)
		use_pvalloc();
#else
	(void)with_pvalloc;
#endif
	free(NULL);
}

int main(int argc, char **argv)
{
	/* Valgrind does not replace pvalloc: "portable" leaves it out, to be compared with it. */
	if (stage__begin(malloc, free))
		use_all(argc < 2 || strcmp(argv[1], "portable"));
	truth_print();
	return 0;
}
