// SPDX-License-Identifier: GPL-2.0
/*
 * For the size, age and number filters: one block from each of twelve functions, 100, 200, … 1200
 * bytes. "sizes wait" says "ready" after the first six and goes on when a line comes on stdin.
 */
#include "truth.h"

#define KEEP(n)                                    \
	static NOINLINE void keep_##n(void)        \
	{                                          \
		truth_allocated(malloc((n)), (n)); \
		__asm__ volatile("" ::: "memory"); \
	}

KEEP(100)
KEEP(200)
KEEP(300)
KEEP(400)
KEEP(500)
KEEP(600)
KEEP(700)
KEEP(800)
KEEP(900)
KEEP(1000)
KEEP(1100)
KEEP(1200)

int main(int argc, char **argv)
{
	char c;

	keep_100();
	keep_200();
	keep_300();
	keep_400();
	keep_500();
	keep_600();
	if (argc > 1 && !strcmp(argv[1], "wait")) {
		say("ready\n");
		if (read(STDIN_FILENO, &c, 1) != 1)
			return 1;
	} else if (argc > 1) {
		usleep((unsigned int)atoi(argv[1]) * 1000);
	}
	keep_700();
	keep_800();
	keep_900();
	keep_1000();
	keep_1100();
	keep_1200();
	truth_print();
	return 0;
}
