// SPDX-License-Identifier: GPL-2.0
/* A library whose own data have the only pointer to a block. */
#include <stddef.h>
#include <stdlib.h>

void library_keep(size_t size);

/* volatile: the compiler drops what is never read. */
static void *volatile library_block;

void library_keep(size_t size)
{
	library_block = calloc(1, size);
}
