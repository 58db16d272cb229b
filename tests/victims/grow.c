// SPDX-License-Identifier: GPL-2.0
/*
 * A daemon with caches and one leak, which does what it is told on stdin, a line a command, and
 * answers each with "ok":
 *	serve N		requests: each leaks 48 bytes, and takes a new block in every cache
 *	fill N		blocks of 100 bytes, for a table of 1,000; when that is full, the oldest go
 *	map N		MiB of a mapping of its own
 *	shrink		the table gives up the older half of its blocks
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "truth.h"

#define NR_SLOTS 100
#define TABLE_ROOM 1000

#define CACHES(f)                                                                             \
	f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7) f(8) f(9) f(10) f(11) f(12) f(13) f(14) f(15) \
		f(16) f(17) f(18) f(19) f(20) f(21) f(22) f(23)

#define CACHE(number)                                             \
	static NOINLINE void cache_##number(unsigned int request) \
	{                                                         \
		static void *slots[NR_SLOTS];                     \
		void **slot = &slots[request % NR_SLOTS];         \
                                                                  \
		free(*slot);                                      \
		*slot = malloc(1000 + 100 * (number));            \
		if (!*slot)                                       \
			die("malloc");                            \
	}

CACHES(CACHE)

#define NAME(number) cache_##number,

static NOINLINE void audit_log_append(void)
{
	void *volatile lost = malloc(48);

	if (!lost)
		die("malloc");
}

static void serve(unsigned int nr)
{
	static void (*const caches[])(unsigned int request) = { CACHES(NAME) };
	static unsigned int request;

	for (unsigned int i = 0; i < nr; i++, request++) {
		for (size_t j = 0; j < sizeof(caches) / sizeof(caches[0]); j++)
			caches[j](request);
		audit_log_append();
	}
}

static void *table[TABLE_ROOM];
static unsigned int nr_filled;

static NOINLINE void table_insert(void)
{
	void **slot = &table[nr_filled++ % TABLE_ROOM];

	free(*slot);
	*slot = malloc(100);
	if (!*slot)
		die("malloc");
}

static void shrink(void)
{
	unsigned int first = nr_filled > TABLE_ROOM ? nr_filled - TABLE_ROOM : 0;
	unsigned int nr = nr_filled - first;

	for (unsigned int i = first; i < first + nr / 2; i++) {
		free(table[i % TABLE_ROOM]);
		table[i % TABLE_ROOM] = NULL;
	}
}

static void map(size_t mib)
{
	char *memory =
		mmap(NULL, mib << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		die("mmap");
	memset(memory, 1, mib << 20);
}

int main(void)
{
	static char input[4096];
	char line[64];
	unsigned int nr;

	/* Else stdio's own buffers were stacks. */
	setvbuf(stdin, input, _IOFBF, sizeof(input));
	serve(NR_SLOTS);
	say("ready\n");
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "serve %u", &nr) == 1)
			serve(nr);
		else if (sscanf(line, "fill %u", &nr) == 1)
			for (; nr; nr--)
				table_insert();
		else if (sscanf(line, "map %u", &nr) == 1)
			map(nr);
		else
			shrink();
		say("ok\n");
	}
	return 0;
}
