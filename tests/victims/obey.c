// SPDX-License-Identifier: GPL-2.0
/*
 * A daemon that does what it is told on stdin, a line a command, and answers each with "ok": so a
 * test knows at every moment what it holds.
 *	alloc COUNT SIZE	blocks from keep()
 *	free COUNT		the youngest blocks
 *	truth			prints the sums
 *	reset			forgets the sums (not the blocks)
 *	exit CODE | abort
 */
#include <pthread.h>
#include <stdio.h>

#include "truth.h"

#define MAX_BLOCKS 100000

static struct {
	void *block;
	size_t size;
} held[MAX_BLOCKS];
static int nr_held;

static NOINLINE void keep(int count, size_t size)
{
	for (int i = 0; i < count && nr_held < MAX_BLOCKS; i++) {
		void *block = malloc(size);

		if (!block)
			die("malloc");
		truth_allocated(block, size);
		held[nr_held].block = block;
		held[nr_held].size = size;
		nr_held++;
	}
}

static NOINLINE void drop(int count)
{
	while (count-- > 0 && nr_held > 0) {
		nr_held--;
		truth_freed(held[nr_held].size);
		free(held[nr_held].block);
	}
}

/* One line, byte by byte: what follows belongs to the next command. */
static int read_line(char *line, size_t size)
{
	size_t n = 0;

	for (;;) {
		char c;

		if (read(STDIN_FILENO, &c, 1) != 1)
			return 0;
		if (c == '\n')
			break;
		if (n + 1 < size)
			line[n++] = c;
	}
	line[n] = '\0';
	return 1;
}

int main(void)
{
	char line[128];
	int a;
	unsigned long b;

	/* Never outlives a test that forgot it. */
	alarm(120);
	say("ready\n");
	while (read_line(line, sizeof(line))) {
		if (sscanf(line, "alloc %d %lu", &a, &b) == 2)
			keep(a, b);
		else if (sscanf(line, "free %d", &a) == 1)
			drop(a);
		else if (!strcmp(line, "truth"))
			truth_print();
		else if (!strcmp(line, "reset"))
			truth_allocated_bytes = truth_allocated_blocks = truth_freed_bytes =
				truth_freed_blocks = truth_failed = 0;
		else if (sscanf(line, "exit %d", &a) == 1)
			_exit(a);
		else if (!strcmp(line, "abort"))
			abort();
		else
			die(line);
		say("ok\n");
	}
	return 0;
}
