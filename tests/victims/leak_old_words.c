// SPDX-License-Identifier: GPL-2.0
/*
 * leak_old_words [exit]: loses 40 blocks, whose addresses stay on the stack below main's frame.
 * What ends the process has its frames there, and does not write all of them.
 */
#include <stdio.h>

#include "truth.h"

static NOINLINE void lose_blocks(void)
{
	void *volatile blocks[40];

	for (int i = 0; i < 40; i++)
		blocks[i] = malloc(10 + (size_t)i);
	for (int i = 0; i < 40; i++)
		memset(blocks[i], 1, 10);
}

int main(int argc, char **argv)
{
	(void)argv;
	lose_blocks();
	printf("lost\n");
	if (argc > 1)
		exit(0);
	return 0;
}
