// SPDX-License-Identifier: GPL-2.0
/*
 * hammer [THREADS [ROUNDS [KEPT]]]: threads allocate and free as fast as they can, hand blocks to
 * their neighbours to free, and each keeps a known number from keep(). Addresses are reused at
 * once between threads, which is what makes it hard to follow. With 0 rounds they go on until a
 * line comes on stdin, a minute at most.
 */
#include <pthread.h>

#include "truth.h"

#define MAX_THREADS 64
#define SLOTS 64

static int nr_threads = 8, nr_rounds = 20000, nr_kept = 25;
static int stop;
/* A block handed to the neighbour; its first word is its size. */
static void *mailbox[MAX_THREADS][SLOTS];

static NOINLINE void keep(int n)
{
	for (int i = 0; i < n; i++)
		truth_allocated(malloc(40), 40);
}

static NOINLINE void *take(size_t size)
{
	size_t *block = malloc(size);

	if (!block)
		die("hammer");
	truth_allocated(block, size);
	*block = size;
	return block;
}

static NOINLINE void give_back(void *block)
{
	if (!block)
		return;
	truth_freed(*(size_t *)block);
	free(block);
}

static void *run(void *argument)
{
	int self = (int)(long)argument, next = (self + 1) % nr_threads;
	unsigned int seed = (unsigned int)self * 2654435761u + 1;

	for (unsigned int round = 0; nr_rounds ? round < (unsigned int)nr_rounds :
						 !__atomic_load_n(&stop, __ATOMIC_ACQUIRE);
	     round++) {
		void *block;

		seed = seed * 1664525 + 1013904223;
		block = take(sizeof(size_t) + (seed >> 16) % 500);
		if (round % 3)
			give_back(block);
		else
			give_back(__atomic_exchange_n(&mailbox[next][seed % SLOTS], block,
						      __ATOMIC_ACQ_REL));
	}
	keep(nr_kept);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread[MAX_THREADS];

	if (argc > 1)
		nr_threads = atoi(argv[1]);
	if (argc > 2)
		nr_rounds = atoi(argv[2]);
	if (argc > 3)
		nr_kept = atoi(argv[3]);
	if (nr_threads < 1 || nr_threads > MAX_THREADS)
		die("threads");
	for (int i = 0; i < nr_threads; i++)
		if (pthread_create(&thread[i], NULL, run, (void *)(long)i))
			die("pthread_create");
	if (!nr_rounds) {
		char c;

		alarm(120);
		say("ready\n");
		if (read(STDIN_FILENO, &c, 1) < 0)
			die("read");
		__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
	}
	for (int i = 0; i < nr_threads; i++)
		pthread_join(thread[i], NULL);
	for (int i = 0; i < nr_threads; i++)
		for (int slot = 0; slot < SLOTS; slot++)
			give_back(mailbox[i][slot]);
	truth_print();
	say("hammered\n");
	return 0;
}
