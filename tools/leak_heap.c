// SPDX-License-Identifier: GPL-2.0
/*
 * leak_heap COUNT SIZE: a heap of so many blocks, of which a known part is lost. It waits for a
 * line on stdin, so that a tracer can come first, makes the heap, prints what was lost, waits for
 * the end of stdin, and prints when it ends (CLOCK_MONOTONIC). For tools/bench-leaks.
 *
 * Each 100th block is lost, in lists of five: the head of a list is definitely lost, and the other
 * four indirectly. The others are one list, whose head is a global variable. Each block also points
 * to a kept one somewhere before it, so whoever follows the pointers jumps all over the heap.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <time.h>

#include "../tests/victims/leak_case.h"

#define LOST_EACH 100
#define LOST_LIST 5

struct node {
	struct node *next, *other;
};

static struct node *volatile kept;

/* Knuth's MMIX generator: the same heap in each run. */
static uint64_t next_random(void)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return state >> 32;
}

static bool is_lost(size_t number)
{
	return number % LOST_EACH == LOST_EACH / 2;
}

/* Any kept block before that one, or the first one: the block before a lost one is kept. */
static struct node *choose(struct node *const *nodes, size_t number)
{
	size_t chosen = number ? next_random() % number : 0;

	return nodes[is_lost(chosen) ? chosen - 1 : chosen];
}

/* The addresses are in memory that is unmapped at the end: it would be a root. */
static NOINLINE void make_heap(size_t count, size_t size)
{
	size_t table_bytes = count * sizeof(struct node *), nr_lost = 0;
	struct node *last_kept = NULL, *last_lost = NULL;
	struct node **nodes = (struct node **)mmap(NULL, table_bytes, PROT_READ | PROT_WRITE,
						   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (nodes == MAP_FAILED)
		die("mmap");
	for (size_t i = 0; i < count; i++) {
		struct node *node = (struct node *)allocate(size), **list = &last_kept;

		nodes[i] = node;
		if (is_lost(i)) {
			list = &last_lost;
			if (nr_lost++ % LOST_LIST == 0)
				last_lost = NULL;
		}
		node->next = *list;
		node->other = choose(nodes, i);
		*list = node;
	}
	kept = last_kept;
	munmap(nodes, table_bytes);
}

static void wait_for_line(void)
{
	char line[16];

	if (read(STDIN_FILENO, line, sizeof(line)) < 0)
		die("read");
}

static void print_lost(size_t count, size_t size)
{
	size_t definite = count / LOST_EACH / LOST_LIST, indirect = definite * (LOST_LIST - 1);
	char line[256];

	snprintf(line, sizeof(line),
		 "{\"definite\":{\"bytes\":%zu,\"blocks\":%zu},"
		 "\"indirect\":{\"bytes\":%zu,\"blocks\":%zu}}\n",
		 definite * size, definite, indirect * size, indirect);
	say(line);
}

static void print_end(void)
{
	struct timespec now;
	char line[64];

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(line, sizeof(line), "{\"ends_s\":%ld.%09ld}\n", (long)now.tv_sec, now.tv_nsec);
	say(line);
}

int main(int argc, char **argv)
{
	size_t count = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
	size_t size = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;

	if (!count || count % (LOST_EACH * LOST_LIST) || size < sizeof(struct node)) {
		say("leak_heap: COUNT must be a multiple of 500, and SIZE at least 16\n");
		return 2;
	}
	wait_for_line();
	make_heap(count, size);
	scrub();
	print_lost(count, size);
	wait_for_line();
	print_end();
	return 0;
}
