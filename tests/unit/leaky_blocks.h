/* SPDX-License-Identifier: GPL-2.0 */
/* What a leaky child tells of its blocks; see leaky_child.h. */
#ifndef LEAKY_BLOCKS_H
#define LEAKY_BLOCKS_H

#include <stdint.h>

#include "leaky_child.h"

struct leaky_entry {
	char name[40];
	uintptr_t inverted; /* its address, all bits inverted */
	uint64_t size_bytes;
	enum leak_kind kind, kind_with_heuristics;
	uint64_t indirect_bytes, indirect_blocks;
};

/* A shared file's contents. */
struct leaky_table {
	volatile int ready;
	unsigned int nr;
	uintptr_t foreign_inverted;
	struct leaky_entry entries[LEAKY_MAX_BLOCKS];
};

/* Makes the blocks, and then waits to be killed. fd: of the shared file. */
void leaky_blocks__run(int fd);

#endif
