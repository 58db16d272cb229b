/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which blocks can be reached, and how: Valgrind's classification over plain data. Blocks are
 * numbers in the order of their addresses. Pure.
 */
#ifndef REACH_H
#define REACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "leaks/leak_kind.h"

/* The `from` of a pointer that is no block's: in a register, a stack, a global… */
#define REACH_ROOT UINT32_MAX

struct reach_edge {
	uint32_t from; /* number of the block that holds the pointer, or REACH_ROOT */
	uint32_t to; /* number of the block that it points into */
	bool exact; /* it points to the start, or counts as if it did */
	uint16_t note; /* the caller's own: it stays with the edge */
};

struct reach_result {
	uint8_t *kinds; /* enum leak_kind of each block; never LEAK_UNCLASSIFIED */
	uint32_t *leaders; /* of an indirectly lost block: the lost block that it counts for */
};

/*
 * Classifies nr_blocks blocks by the edges, which are in any order and are sorted in place. An edge
 * to a number that is no block's is ignored, and one from such a number is a root's. Time and space
 * grow with blocks and edges alone; no recursion. Returns 0 or -ENOMEM; call reach__free after
 * success.
 */
int reach__classify(struct reach_result *result, uint32_t nr_blocks, struct reach_edge *edges,
		    size_t nr_edges);
void reach__free(struct reach_result *result);

#endif
