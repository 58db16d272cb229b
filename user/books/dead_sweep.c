// SPDX-License-Identifier: GPL-2.0
/* See dead_sweep.h. Called by monitor_upkeep.c now and then. */
#include "books/dead_sweep.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stddef.h>

#include "base/clock.h"
#include "books/doomed_keys.h"
#include "books/needed_keys.h"
#include "books/snapshot.h"

/* Blocks are deleted in batches of this size. */
#define BATCH_BLOCKS 16384

struct sweep {
	struct needed_keys needed; /* serials */
	__u64 first_unseen; /* serials from here on were given out after we looked */
};

static bool is_dead(const struct sweep *sweep, __u64 serial)
{
	return serial < sweep->first_unseen && !needed_keys__has(&sweep->needed, serial);
}

/* A space needs its own blocks, and those of its ancestors: they tell what its frees free. */
static size_t serials_of(const struct space *space, uint64_t *serials)
{
	size_t nr = 0;

	serials[nr++] = space->serial;
	for (size_t i = 0; i < WIRE_MAX_ANCESTORS && space->ancestors[i]; i++)
		serials[nr++] = space->ancestors[i];
	return nr;
}

struct block_sweep {
	const struct sweep *sweep;
	struct doomed_keys doomed;
};

static int sweep_block(const struct block_key *key, const struct block *block, void *context)
{
	struct block_sweep *blocks = context;
	int err;

	(void)block;
	if (!is_dead(blocks->sweep, key->serial))
		return 0;
	err = doomed_keys__add(&blocks->doomed, key);
	if (blocks->doomed.nr >= BATCH_BLOCKS)
		doomed_keys__delete(&blocks->doomed);
	return err;
}

static int sweep_blocks(const struct sweep *sweep, const struct tracer_maps *maps)
{
	struct block_sweep blocks = {
		.sweep = sweep,
		.doomed = { .map_fd = maps->blocks, .key_bytes = sizeof(struct block_key) },
	};
	int err = snapshot__walk_blocks(maps, sweep_block, &blocks);

	doomed_keys__delete(&blocks.doomed);
	doomed_keys__free(&blocks.doomed);
	return err;
}

_Static_assert(sizeof(struct site_index_key) == sizeof(struct site_key) &&
		       offsetof(struct site_index_key, serial) == offsetof(struct site_key, serial),
	       "both are swept by the same function");

/*
 * The keys of both maps begin with a serial. Only user space deletes from these maps, so that no
 * walk of their keys begins anew. stacks gets the stacks that were a dead process's own, which go
 * with its sites; or NULL.
 */
static int sweep_keys(const struct sweep *sweep, int map_fd, struct doomed_keys *stacks)
{
	struct doomed_keys doomed = { .map_fd = map_fd, .key_bytes = sizeof(struct site_key) };
	struct site_key key, *previous = NULL;
	int err = 0;

	while (!err && !bpf_map_get_next_key(map_fd, previous, &key)) {
		previous = &key;
		if (!is_dead(sweep, key.serial))
			continue;
		err = doomed_keys__add(&doomed, &key);
		if (!err && stacks && key.stack_id & WIRE_STACK_OWN)
			err = doomed_keys__add(stacks, &key.stack_id);
	}
	doomed_keys__delete(&doomed);
	doomed_keys__free(&doomed);
	return err;
}

static int sweep_sites(const struct sweep *sweep, const struct tracer_maps *maps)
{
	struct doomed_keys stacks = { .map_fd = maps->stacks, .key_bytes = sizeof(__u64) };
	int err = sweep_keys(sweep, maps->sites, &stacks);

	doomed_keys__delete(&stacks);
	doomed_keys__free(&stacks);
	return err ? err : sweep_keys(sweep, maps->site_index, NULL);
}

int dead_sweep__run(const struct tracer_maps *maps, struct ended_spaces *ended)
{
	struct sweep sweep = { .first_unseen = clock__monotonic_ns() << WIRE_SERIAL_CPU_BITS };
	int err;

	err = needed_keys__list(&sweep.needed, maps, ended, serials_of);
	if (!err)
		err = sweep_blocks(&sweep, maps);
	if (!err)
		err = sweep_sites(&sweep, maps);
	needed_keys__free(&sweep.needed);
	return err;
}
