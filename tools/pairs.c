// SPDX-License-Identifier: GPL-2.0
/*
 * pairs COUNT [THREADS]: makes so many malloc/free pairs in each thread, all threads at once, and
 * prints the nanoseconds of one pair. If threads don't hinder each other, more threads give the
 * same figure. For tools/bench.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#ifndef ALLOCATE
#define ALLOCATE malloc
#define FREE free
#endif

#define MAX_THREADS 64

void *ALLOCATE(size_t bytes);
void FREE(void *block);

static long count = 100000;

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void *run(void *unused)
{
	for (long i = 0; i < count; i++) {
		void *volatile block = ALLOCATE(64);

		FREE(block);
	}
	return unused;
}

int main(int argc, char **argv)
{
	int nr_threads = argc > 2 ? atoi(argv[2]) : 1;
	pthread_t thread[MAX_THREADS];
	double start = now_ns();

	if (argc > 1)
		count = atol(argv[1]);
	if (nr_threads < 1 || nr_threads > MAX_THREADS)
		return 1;
	for (int i = 1; i < nr_threads; i++)
		if (pthread_create(&thread[i], NULL, run, NULL))
			return 1;
	run(NULL);
	for (int i = 1; i < nr_threads; i++)
		pthread_join(thread[i], NULL);
	printf("%.1f\n", (now_ns() - start) / (double)count);
	return 0;
}
