// SPDX-License-Identifier: GPL-2.0
/* See snapshot.h. The maps are described in bpf/maps.h. */
#include "books/snapshot.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/search.h"
#include "base/stop_request.h"

#define BATCH_BLOCKS 16384
#define BATCH_SPACES 256

/*
 * list_site() takes the next free number, so that there is no gap, but its threads count nr_sites
 * up afterwards: look past the count until no number is found.
 */
int snapshot__read_stack_ids(const struct tracer_maps *maps, const struct space *space, __u64 **ids,
			     size_t *nr)
{
	struct site_index_key index = { .serial = space->serial };
	size_t capacity = 0;
	__u64 stack_id;

	*ids = NULL;
	*nr = 0;
	for (;; index.n++) {
		if (bpf_map_lookup_elem(maps->site_index, &index, &stack_id)) {
			if (index.n >= space->nr_sites)
				return 0;
			continue;
		}
		if (array__reserve(ids, &capacity, *nr + 1)) {
			free(*ids);
			*ids = NULL;
			return -ENOMEM;
		}
		(*ids)[(*nr)++] = stack_id;
	}
}

/* False when the site holds nothing. */
static bool read_site(const struct tracer_maps *maps, const struct site_key *key,
		      struct snapshot_site *sum)
{
	struct site site;

	*sum = (struct snapshot_site){ .stack_id = key->stack_id };
	if (bpf_map_lookup_elem(maps->sites, key, &site))
		return false;
	for (size_t i = 0; i < WIRE_SITE_SLOTS; i++) {
		sum->bytes += site.slots[i].bytes;
		sum->blocks += site.slots[i].blocks;
	}
	sum->bytes = wire_at_least_0(sum->bytes);
	return wire_at_least_0(sum->blocks);
}

static int add_site(struct snapshot *snapshot, const struct snapshot_site *site)
{
	int err = array__reserve(&snapshot->sites, &snapshot->capacity, snapshot->nr_sites + 1);

	if (!err)
		snapshot->sites[snapshot->nr_sites++] = *site;
	return err;
}

static int read_sites(struct snapshot *snapshot, const struct tracer_maps *maps,
		      const struct space *space)
{
	struct site_key key = { .serial = space->serial };
	size_t nr = 0;
	__u64 *ids;
	int err = snapshot__read_stack_ids(maps, space, &ids, &nr);

	for (size_t i = 0; i < nr && !err; i++) {
		struct snapshot_site site;

		key.stack_id = ids[i];
		if (read_site(maps, &key, &site))
			err = add_site(snapshot, &site);
	}
	free(ids);
	return err;
}

int snapshot__walk_blocks(const struct tracer_maps *maps,
			  int (*visit)(const struct block_key *key, const struct block *block,
				       void *context),
			  void *context)
{
	LIBBPF_OPTS(bpf_map_batch_opts, options);
	struct block_key *keys = calloc(BATCH_BLOCKS, sizeof(*keys));
	struct block *blocks = calloc(BATCH_BLOCKS, sizeof(*blocks));
	__u32 cursor = 0, next = 0;
	bool first = true;
	int err = keys && blocks ? 0 : -ENOMEM;

	while (!err) {
		__u32 nr = BATCH_BLOCKS;
		int last;

		if (stop_request__is_pending()) {
			err = -EINTR;
			break;
		}
		last = bpf_map_lookup_batch(maps->blocks, first ? NULL : &cursor, &next, keys,
					    blocks, &nr, &options);
		if (last && last != -ENOENT) {
			err = last;
			break;
		}
		for (__u32 i = 0; i < nr && !err; i++)
			err = visit(&keys[i], &blocks[i], context);
		if (last)
			break;
		cursor = next;
		first = false;
	}
	free(keys);
	free(blocks);
	return err;
}

/* A block that somebody holds, found by a walk. */
struct found_block {
	uint64_t serial;
	uint64_t stack_id;
	struct snapshot_block block;
};

struct snapshot_blocks {
	uint64_t *serials; /* whose blocks were looked for; sorted */
	size_t nr_serials;
	struct found_block *found; /* sorted by serial, stack and address */
	size_t nr, capacity;
};

static int by_serial(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

static int gather_block(const struct block_key *key, const struct block *block, void *context)
{
	struct snapshot_blocks *blocks = context;
	int err;

	if (key->address & WIRE_GHOST || !bsearch(&key->serial, blocks->serials, blocks->nr_serials,
						  sizeof(*blocks->serials), by_serial))
		return 0;
	err = array__reserve(&blocks->found, &blocks->capacity, blocks->nr + 1);
	if (!err)
		blocks->found[blocks->nr++] = (struct found_block){
			.serial = key->serial,
			.stack_id = block->stack_id,
			.block = { key->address, block->size_bytes, block->time_ns },
		};
	return err;
}

static int compare(uint64_t left, uint64_t right)
{
	return left < right ? -1 : left > right;
}

static int by_serial_stack_and_address(const void *a, const void *b)
{
	const struct found_block *left = a, *right = b;
	int order = compare(left->serial, right->serial);

	if (!order)
		order = compare(left->stack_id, right->stack_id);
	return order ? order : compare(left->block.address, right->block.address);
}

struct snapshot_blocks *snapshot__gather(const struct tracer_maps *maps, const struct space *spaces,
					 size_t nr)
{
	struct snapshot_blocks *blocks = calloc(1, sizeof(*blocks));
	int err = blocks ? 0 : -ENOMEM;

	if (!err) {
		blocks->serials = calloc(nr + 1, sizeof(*blocks->serials));
		err = blocks->serials ? 0 : -ENOMEM;
	}
	for (size_t i = 0; i < nr && !err; i++)
		if (spaces[i].held_blocks)
			blocks->serials[blocks->nr_serials++] = spaces[i].serial;
	if (!err && blocks->nr_serials) {
		qsort(blocks->serials, blocks->nr_serials, sizeof(*blocks->serials), by_serial);
		err = snapshot__walk_blocks(maps, gather_block, blocks);
	}
	if (err) {
		snapshot__free_blocks(blocks);
		errno = -err;
		return NULL;
	}
	if (blocks->nr)
		qsort(blocks->found, blocks->nr, sizeof(*blocks->found),
		      by_serial_stack_and_address);
	return blocks;
}

void snapshot__free_blocks(struct snapshot_blocks *blocks)
{
	if (!blocks)
		return;
	free(blocks->serials);
	free(blocks->found);
	free(blocks);
}

/* The index of the space's first block among all. */
static size_t find_first(const struct snapshot_blocks *blocks, uint64_t serial)
{
	return search__nr_before(blocks->nr, at, blocks->found[at].serial < serial);
}

static int read_blocks(struct snapshot *snapshot, const struct space *space,
		       const struct snapshot_request *request)
{
	const struct snapshot_blocks *blocks = request->blocks;
	uint64_t before_ns = request->allocated_before_ns;
	struct snapshot_site *site = NULL;

	for (size_t i = find_first(blocks, space->serial);
	     i < blocks->nr && blocks->found[i].serial == space->serial; i++) {
		const struct found_block *found = &blocks->found[i];
		int err;

		if (before_ns && found->block.time_ns > before_ns)
			continue;
		if (!site || site->stack_id != found->stack_id) {
			err = add_site(snapshot,
				       &(struct snapshot_site){ .stack_id = found->stack_id });
			if (err)
				return err;
			site = &snapshot->sites[snapshot->nr_sites - 1];
		}
		site->bytes += found->block.size_bytes;
		site->blocks++;
		if (!request->with_blocks)
			continue;
		err = array__reserve(&site->block_list, &site->capacity, site->nr_block_list + 1);
		if (err)
			return err;
		site->block_list[site->nr_block_list++] = found->block;
	}
	return 0;
}

int snapshot__read(struct snapshot *snapshot, const struct tracer_maps *maps,
		   const struct space *space, const struct snapshot_request *request)
{
	int err;

	memset(snapshot, 0, sizeof(*snapshot));
	if (request->blocks)
		err = read_blocks(snapshot, space, request);
	else
		err = read_sites(snapshot, maps, space);
	if (err)
		snapshot__free(snapshot);
	return err;
}

void snapshot__free(struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->nr_sites; i++)
		free(snapshot->sites[i].block_list);
	free(snapshot->sites);
	memset(snapshot, 0, sizeof(*snapshot));
}

int snapshot__read_live(const struct tracer_maps *maps, struct space **spaces, size_t *nr)
{
	LIBBPF_OPTS(bpf_map_batch_opts, options);
	__u64 *keys = calloc(BATCH_SPACES, sizeof(*keys));
	struct living_space *living = calloc(BATCH_SPACES, sizeof(*living));
	__u32 cursor = 0, next = 0, found;
	bool first = true;
	int err = keys && living ? 0 : -ENOMEM;
	size_t capacity = 0;

	*spaces = NULL;
	*nr = 0;
	while (!err) {
		err = array__reserve(spaces, &capacity, *nr + BATCH_SPACES);
		if (err)
			break;
		found = BATCH_SPACES;
		err = bpf_map_lookup_batch(maps->live, first ? NULL : &cursor, &next, keys, living,
					   &found, &options);
		for (__u32 i = 0; i < found && (!err || err == -ENOENT); i++) {
			wire_sum_space(&living[i]);
			(*spaces)[(*nr)++] = living[i].space;
		}
		cursor = next;
		first = false;
	}
	free(keys);
	free(living);
	if (err == -ENOENT) /* that was all */
		return 0;
	free(*spaces);
	*spaces = NULL;
	*nr = 0;
	return err;
}

uint64_t snapshot__read_loss(const struct tracer_maps *maps, enum loss loss)
{
	int nr_cpus = libbpf_num_possible_cpus();
	__u64 *counters = nr_cpus > 0 ? calloc((size_t)nr_cpus, sizeof(*counters)) : NULL;
	__u32 key = loss;
	uint64_t sum = 0;

	if (counters && !bpf_map_lookup_elem(maps->losses, &key, counters))
		for (int i = 0; i < nr_cpus; i++)
			sum += counters[i];
	free(counters);
	return sum;
}
