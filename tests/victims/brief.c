// SPDX-License-Identifier: GPL-2.0
/* brief [MILLISECONDS]: makes 20 blocks, frees every other one, waits so long, ends with status 7. */
#include "truth.h"

static NOINLINE void keep(void)
{
	for (size_t i = 0; i < 20; i++) {
		void *block = malloc(100 + i);

		truth_allocated(block, 100 + i);
		if (i % 2) {
			free(block);
			truth_freed(100 + i);
		}
	}
}

int main(int argc, char **argv)
{
	keep();
	if (argc > 1)
		usleep((useconds_t)atol(argv[1]) * 1000);
	return truth_allocated_blocks - truth_freed_blocks == 10 ? 7 : 1;
}
