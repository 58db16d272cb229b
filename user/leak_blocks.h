/* SPDX-License-Identifier: GPL-2.0 */
/* The recorded blocks of one address space, as a walk of the block map finds them. */
#ifndef LEAK_BLOCKS_H
#define LEAK_BLOCKS_H

#include "leaks/block_index.h"
#include "probes/tracer.h"

struct leak_blocks_request {
	const struct space *space;
	uint64_t since_ns, before_ns; /* only those allocated between these; 0: no bound */
	bool with_inherited;
};

/* Both lists are sorted (block_index__sort). */
struct leak_blocks {
	struct leak_block *list;
	size_t nr, capacity;
	/*
	 * What a copy got from its ancestors at the fork, as far as their records are left. It may
	 * have freed some of them since.
	 */
	struct leak_block *inherited;
	size_t nr_inherited;
};

/* Returns 0 or -errno; call leak_blocks__free either way. */
int leak_blocks__read(struct leak_blocks *blocks, const struct tracer_maps *maps,
		      const struct leak_blocks_request *request);
void leak_blocks__free(struct leak_blocks *blocks);

/* Puts more blocks, sorted, into the list. Returns 0 or -ENOMEM. */
int leak_blocks__add(struct leak_blocks *blocks, const struct leak_block *more, size_t nr);

#endif
