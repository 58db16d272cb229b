// SPDX-License-Identifier: GPL-2.0
/* Blocks of no bytes are blocks: they occupy the heap and can be forgotten like others. */
#include <malloc.h>

#include "truth.h"

static volatile size_t zero;

int main(void)
{
	void *block = NULL;

	for (int i = 0; i < 5; i++) {
		block = malloc(zero);
		truth_allocated(block, 0);
	}
	free(block);
	truth_freed(0);
	truth_allocated(calloc(zero, 8), 0);
	truth_allocated(calloc(8, zero), 0);
	truth_allocated(realloc(NULL, zero), 0);
	truth_allocated(memalign(64, zero), 0);
	if (posix_memalign(&block, 64, zero))
		die("posix_memalign");
	/* A library may answer with NULL here, which is a success without a block. */
	if (block)
		truth_allocated(block, 0);
	truth_print();
	return 0;
}
