// SPDX-License-Identifier: GPL-2.0
/*
 * drip [MILLISECONDS [SIZE [COUNT]]]: a daemon that loses a block every few milliseconds and frees
 * every other one. Says "ready" when the first is lost, then runs until it is killed, or COUNT
 * blocks have dripped. SIGUSR1 makes it pause and print what it holds; the next SIGUSR1 makes it go
 * on. So the blocks that drip between two pauses are known to the byte.
 */
#include <signal.h>

#include "truth.h"

static volatile sig_atomic_t paused;

static void pause_or_go_on(int signal)
{
	(void)signal;
	paused = !paused;
}

static NOINLINE void drip(size_t size)
{
	char *block = malloc(size);

	if (!block)
		die("malloc");
	memset(block, 1, size);
	truth_allocated(block, size);
}

static NOINLINE void work(size_t size)
{
	char *block = malloc(size);

	if (!block)
		die("malloc");
	memset(block, 1, size);
	truth_allocated(block, size);
	free(block);
	truth_freed(size);
}

int main(int argc, char **argv)
{
	unsigned int pause_ms = argc > 1 ? (unsigned int)atoi(argv[1]) : 10;
	size_t size = argc > 2 ? (size_t)atol(argv[2]) : 1000;
	long count = argc > 3 ? atol(argv[3]) : -1;

	signal(SIGUSR1, pause_or_go_on);
	alarm(120);
	for (long i = 0; count < 0 || i < count; i++) {
		drip(size);
		work(size);
		if (i == 0)
			say("ready\n");
		usleep(pause_ms * 1000);
		if (paused)
			truth_print();
		while (paused)
			usleep(1000);
	}
	truth_print();
	return 0;
}
