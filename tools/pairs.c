// SPDX-License-Identifier: GPL-2.0
/* pairs COUNT: so many malloc/free pairs; prints the nanoseconds of one. For tools/bench. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

int main(int argc, char **argv)
{
	long count = argc > 1 ? atol(argv[1]) : 100000;
	double start = now_ns();

	for (long i = 0; i < count; i++) {
		void *volatile block = malloc(64);

		free(block);
	}
	printf("%.1f\n", (now_ns() - start) / (double)count);
	return 0;
}
