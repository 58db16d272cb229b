// SPDX-License-Identifier: GPL-2.0
/* million [COUNT [SIZE]]: so many outstanding blocks at the end. */
#include "truth.h"

static NOINLINE void keep(long count, size_t size)
{
	for (long i = 0; i < count; i++) {
		void *block = malloc(size);

		if (!block)
			die("malloc");
		truth_allocated(block, size);
	}
}

int main(int argc, char **argv)
{
	keep(argc > 1 ? atol(argv[1]) : 1000000, argc > 2 ? (size_t)atol(argv[2]) : 24);
	truth_print();
	return 0;
}
