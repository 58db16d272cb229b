// SPDX-License-Identifier: GPL-2.0
/* See dead_sweep.h. Called by monitor_upkeep.c now and then. */
#include "books/dead_sweep.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "books/snapshot.h"

struct sweep {
	__u64 *needed; /* serials, sorted */
	size_t nr_needed;
	__u64 first_unseen; /* serials from here on were given out after we looked */
};

static int by_serial(const void *a, const void *b)
{
	const __u64 *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

static bool is_dead(const struct sweep *sweep, __u64 serial)
{
	return serial < sweep->first_unseen &&
	       (!sweep->nr_needed ||
		!bsearch(&serial, sweep->needed, sweep->nr_needed, sizeof(serial), by_serial));
}

/* The blocks of a space are its own, those of its ancestors tell what its frees free. */
static void add_needed(struct sweep *sweep, const struct space *spaces, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		sweep->needed[sweep->nr_needed++] = spaces[i].serial;
		for (size_t j = 0; j < WIRE_MAX_ANCESTORS && spaces[i].ancestors[j]; j++)
			sweep->needed[sweep->nr_needed++] = spaces[i].ancestors[j];
	}
}

/* The living first: what ends meanwhile is found with the ended. */
static int list_needed(struct sweep *sweep, const struct tracer_maps *maps,
		       struct ended_spaces *ended)
{
	struct space *live;
	size_t nr_live;
	int err = snapshot__read_live(maps, &live, &nr_live);

	if (err)
		return err;
	ended_spaces__take(ended, maps, true);
	sweep->needed =
		calloc(nr_live + ended->nr + 1, (1 + WIRE_MAX_ANCESTORS) * sizeof(*sweep->needed));
	if (sweep->needed) {
		add_needed(sweep, live, nr_live);
		add_needed(sweep, ended->space, ended->nr);
		qsort(sweep->needed, sweep->nr_needed, sizeof(*sweep->needed), by_serial);
	}
	free(live);
	return sweep->needed ? 0 : -ENOMEM;
}

static int sweep_block(const struct block_key *key, const struct block *block, void *context)
{
	(void)block;
	return is_dead(context, key->serial) ? VISIT_DELETE : VISIT_KEEP;
}

struct doomed_keys {
	struct site_key *key;
	size_t nr, capacity;
};

static int add_doomed(struct doomed_keys *doomed, const struct site_key *key)
{
	if (doomed->nr == doomed->capacity) {
		size_t capacity = doomed->capacity ? 2 * doomed->capacity : 1024;
		struct site_key *grown = realloc(doomed->key, capacity * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		doomed->key = grown;
		doomed->capacity = capacity;
	}
	doomed->key[doomed->nr++] = *key;
	return 0;
}

/* Only user space deletes from these maps, so that no walk of their keys begins anew. */
static int sweep_keys(const struct sweep *sweep, int map_fd, struct doomed_keys *doomed)
{
	struct site_key key, *previous = NULL;
	int err = 0;

	doomed->nr = 0;
	while (!err && !bpf_map_get_next_key(map_fd, previous, &key)) {
		previous = &key;
		if (is_dead(sweep, key.serial))
			err = add_doomed(doomed, &key);
	}
	snapshot__delete_keys(map_fd, doomed->key, sizeof(*doomed->key), doomed->nr);
	return err;
}

static int sweep_sites(const struct sweep *sweep, const struct tracer_maps *maps)
{
	struct doomed_keys doomed = { 0 };
	int err = sweep_keys(sweep, maps->sites, &doomed);

	for (size_t i = 0; i < doomed.nr; i++)
		if (doomed.key[i].stack_id & WIRE_STACK_OWN)
			bpf_map_delete_elem(maps->stacks, &doomed.key[i].stack_id);
	/* Its keys are of the same form: a serial first, then which of its sites. */
	if (!err)
		err = sweep_keys(sweep, maps->site_index, &doomed);
	free(doomed.key);
	return err;
}

_Static_assert(sizeof(struct site_index_key) == sizeof(struct site_key) &&
		       offsetof(struct site_index_key, serial) == offsetof(struct site_key, serial),
	       "both are swept by the same function");

int dead_sweep__run(const struct tracer_maps *maps, struct ended_spaces *ended)
{
	struct sweep sweep = { 0 };
	struct timespec now;
	int err;

	clock_gettime(CLOCK_MONOTONIC, &now);
	sweep.first_unseen = ((__u64)now.tv_sec * 1000000000ULL + (__u64)now.tv_nsec)
			  << WIRE_SERIAL_CPU_BITS;
	err = list_needed(&sweep, maps, ended);
	if (!err)
		err = snapshot__walk_blocks(maps, sweep_block, &sweep);
	if (!err)
		err = sweep_sites(&sweep, maps);
	free(sweep.needed);
	return err;
}
