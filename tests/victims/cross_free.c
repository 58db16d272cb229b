// SPDX-License-Identifier: GPL-2.0
/* The main thread allocates and another thread frees, and the other way round. */
#include <pthread.h>

#include "truth.h"

#define BLOCKS 1000

static void *from_main[BLOCKS], *from_thread[BLOCKS];

static NOINLINE void fill(void **blocks, size_t size)
{
	for (int i = 0; i < BLOCKS; i++) {
		blocks[i] = malloc(size);
		truth_allocated(blocks[i], size);
	}
}

static NOINLINE void free_most(void **blocks, size_t size)
{
	/* One in ten stays. */
	for (int i = 0; i < BLOCKS; i++) {
		if (i % 10 == 0)
			continue;
		truth_freed(size);
		free(blocks[i]);
	}
}

static void *run(void *argument)
{
	(void)argument;
	free_most(from_main, 48);
	fill(from_thread, 80);
	return NULL;
}

int main(void)
{
	pthread_t thread;

	fill(from_main, 48);
	if (pthread_create(&thread, NULL, run, NULL))
		die("pthread_create");
	pthread_join(thread, NULL);
	free_most(from_thread, 80);
	truth_print();
	return 0;
}
