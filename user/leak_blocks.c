// SPDX-License-Identifier: GPL-2.0
/* See leak_blocks.h. Used by leak_checks.c. */
#include "leak_blocks.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/progress.h"
#include "books/snapshot.h"

/* A block that an ancestor had when the lineages parted. */
struct inherited_block {
	struct leak_block block;
	unsigned int generation; /* 0: the parent's */
	bool freed_since; /* by the ancestor. Its stack is forgotten */
};

struct reading {
	struct leak_blocks *blocks;
	const struct leak_blocks_request *request;
	uint64_t parted_ns[WIRE_MAX_ANCESTORS]; /* when the lineage left each ancestor */
	struct inherited_block *inherited;
	size_t nr_inherited, capacity;
	uint64_t nr_visited;
};

/* How many blocks pass between two looks at the clock. */
#define PROGRESS_BLOCKS 65536

static struct leak_block block_of(const struct block_key *key, const struct block *block)
{
	return (struct leak_block){
		.address = key->address & ~WIRE_GHOST,
		.size_bytes = block->size_bytes,
		.stack_id = block->stack_id,
		.time_ns = block->time_ns,
	};
}

static int take_own(struct reading *reading, const struct block_key *key, const struct block *block)
{
	const struct leak_blocks_request *request = reading->request;
	struct leak_blocks *blocks = reading->blocks;
	int err;

	if (key->address & WIRE_GHOST || block->time_ns < request->since_ns ||
	    (request->before_ns && block->time_ns >= request->before_ns))
		return 0;
	err = array__reserve(&blocks->list, &blocks->capacity, blocks->nr + 1);
	if (!err)
		blocks->list[blocks->nr++] = block_of(key, block);
	return err;
}

/* A ghost has the time of the free where a block has its stack. */
static int take_inherited(struct reading *reading, const struct block_key *key,
			  const struct block *block, unsigned int generation)
{
	bool is_ghost = key->address & WIRE_GHOST;
	uint64_t parted_ns = reading->parted_ns[generation];
	int err;

	if (block->time_ns > parted_ns || block->time_ns < reading->request->since_ns ||
	    (is_ghost && block->stack_id < parted_ns))
		return 0;
	err = array__reserve(&reading->inherited, &reading->capacity, reading->nr_inherited + 1);
	if (!err)
		reading->inherited[reading->nr_inherited++] = (struct inherited_block){
			.block = block_of(key, block),
			.generation = generation,
			.freed_since = is_ghost,
		};
	return err;
}

static int visit(const struct block_key *key, const struct block *block, void *context)
{
	struct reading *reading = context;
	const struct space *space = reading->request->space;

	if (reading->nr_visited++ % PROGRESS_BLOCKS == 0)
		progress__show(reading->blocks->nr, space->held_blocks);
	if (key->serial == space->serial)
		return take_own(reading, key, block);
	if (!reading->request->with_inherited)
		return 0;
	for (unsigned int i = 0; i < WIRE_MAX_ANCESTORS && space->ancestors[i]; i++)
		if (key->serial == space->ancestors[i])
			return take_inherited(reading, key, block, i);
	return 0;
}

static int by_address_and_generation(const void *a, const void *b)
{
	const struct inherited_block *left = a, *right = b;

	if (left->block.address != right->block.address)
		return left->block.address < right->block.address ? -1 : 1;
	return left->generation < right->generation ? -1 : left->generation > right->generation;
}

/*
 * Of several records of an address the one of the nearest ancestor tells what was there. A block
 * whose stack is forgotten is no block to report.
 */
static int choose_inherited(struct reading *reading)
{
	struct leak_blocks *blocks = reading->blocks;
	const struct inherited_block *last = NULL;
	size_t nr = 0;

	if (!reading->nr_inherited)
		return 0;
	blocks->inherited = calloc(reading->nr_inherited, sizeof(*blocks->inherited));
	if (!blocks->inherited)
		return -ENOMEM;
	qsort(reading->inherited, reading->nr_inherited, sizeof(*reading->inherited),
	      by_address_and_generation);
	for (size_t i = 0; i < reading->nr_inherited; i++) {
		const struct inherited_block *next = &reading->inherited[i];

		if ((!last || last->block.address != next->block.address) && !next->freed_since)
			blocks->inherited[nr++] = next->block;
		last = next;
	}
	blocks->nr_inherited = block_index__sort(blocks->inherited, nr);
	return 0;
}

int leak_blocks__read(struct leak_blocks *blocks, const struct tracer_maps *maps,
		      const struct leak_blocks_request *request)
{
	const struct space *space = request->space;
	struct reading reading = { .blocks = blocks, .request = request };
	uint64_t serial = space->serial;
	int err;

	*blocks = (struct leak_blocks){ 0 };
	progress__phase("reading blocks");
	/* A serial begins with the time of the fork. */
	for (size_t i = 0; i < WIRE_MAX_ANCESTORS; i++) {
		reading.parted_ns[i] = serial >> WIRE_SERIAL_CPU_BITS;
		serial = space->ancestors[i];
	}
	err = snapshot__walk_blocks(maps, visit, &reading);
	if (!err)
		err = choose_inherited(&reading);
	free(reading.inherited);
	if (!err)
		blocks->nr = block_index__sort(blocks->list, blocks->nr);
	return err;
}

void leak_blocks__free(struct leak_blocks *blocks)
{
	free(blocks->list);
	free(blocks->inherited);
	*blocks = (struct leak_blocks){ 0 };
}

int leak_blocks__add(struct leak_blocks *blocks, const struct leak_block *more, size_t nr)
{
	int err;

	if (!nr)
		return 0;
	err = array__reserve(&blocks->list, &blocks->capacity, blocks->nr + nr);
	if (err)
		return err;
	memcpy(&blocks->list[blocks->nr], more, nr * sizeof(*more));
	blocks->nr = block_index__sort(blocks->list, blocks->nr + nr);
	return 0;
}
