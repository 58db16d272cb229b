// SPDX-License-Identifier: GPL-2.0
/* See snapshot.h. The maps are described in bpf/maps.h. */
#include "snapshot.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* list_site() takes the next free n when several threads compete: look that far past the count. */
#define SITE_INDEX_SLACK 16
#define BATCH_BLOCKS 16384

/* Grows *array by one zeroed element; NULL when there is no memory. */
static void *append(void **array, size_t *nr, size_t size)
{
	/* Capacity is the next power of two, so only powers of two grow. */
	if (!(*nr & (*nr - 1))) {
		void *grown = realloc(*array, (*nr ? 2 * *nr : 1) * size);

		if (!grown)
			return NULL;
		*array = grown;
	}
	return memset((char *)*array + (*nr)++ * size, 0, size);
}

static int read_sites(struct snapshot *snapshot, const struct tracer_maps *maps,
		      const struct space *space)
{
	struct site_index_key index = { .serial = space->serial };
	uint64_t end = space->nr_sites + SITE_INDEX_SLACK;

	for (index.n = 0; index.n < end; index.n++) {
		struct site_key key = { .serial = space->serial };
		struct snapshot_site *copy;
		__u64 stack_id;
		struct site site;

		if (bpf_map_lookup_elem(maps->site_index, &index, &stack_id))
			continue;
		key.stack_id = stack_id;
		/* A site that is being emptied can be seen between its two counters. */
		if (bpf_map_lookup_elem(maps->sites, &key, &site) || !site.blocks ||
		    (int64_t)site.blocks < 0 || (int64_t)site.bytes < 0)
			continue;
		copy = append((void **)&snapshot->sites, &snapshot->nr_sites, sizeof(*copy));
		if (!copy)
			return -ENOMEM;
		copy->stack_id = stack_id;
		copy->bytes = site.bytes;
		copy->blocks = site.blocks;
	}
	return 0;
}

/* What a visit says of a block; a negative number is -errno and ends the walk. */
enum visit_result { VISIT_KEEP, VISIT_DELETE };

/* Walks the block map in batches, and deletes in batches what visit does not want. */
static int walk_blocks(const struct tracer_maps *maps,
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
		__u32 nr = BATCH_BLOCKS, nr_doomed = 0;
		int last = bpf_map_lookup_batch(maps->blocks, first ? NULL : &cursor, &next, keys,
						blocks, &nr, &options);

		if (last && last != -ENOENT) {
			err = last;
			break;
		}
		for (__u32 i = 0; i < nr && err >= 0; i++) {
			err = visit(&keys[i], &blocks[i], context);
			if (err == VISIT_DELETE)
				keys[nr_doomed++] = keys[i];
		}
		if (err > 0)
			err = 0;
		/* A key that went in the meantime is none to worry about. */
		if (nr_doomed)
			bpf_map_delete_batch(maps->blocks, keys, &nr_doomed, &options);
		if (last)
			break;
		cursor = next;
		first = false;
	}
	free(keys);
	free(blocks);
	return err;
}

struct gathering {
	const struct snapshot_request *request;
	uint64_t serial;
	struct found_block {
		uint64_t stack_id;
		struct snapshot_block block;
	} * found;
	size_t nr;
};

static int gather_block(const struct block_key *key, const struct block *block, void *context)
{
	struct gathering *gathering = context;
	uint64_t before_ns = gathering->request->allocated_before_ns;
	struct found_block *found;

	if (key->serial != gathering->serial || (before_ns && block->time_ns > before_ns))
		return VISIT_KEEP;
	found = append((void **)&gathering->found, &gathering->nr, sizeof(*found));
	if (!found)
		return -ENOMEM;
	found->stack_id = block->stack_id;
	found->block.address = key->address;
	found->block.size_bytes = block->size_bytes;
	found->block.time_ns = block->time_ns;
	return VISIT_KEEP;
}

static int by_stack_and_address(const void *a, const void *b)
{
	const struct found_block *left = a, *right = b;

	if (left->stack_id != right->stack_id)
		return left->stack_id < right->stack_id ? -1 : 1;
	return left->block.address < right->block.address ?
		     -1 :
		     left->block.address > right->block.address;
}

static int group_blocks(struct snapshot *snapshot, const struct gathering *gathering)
{
	struct snapshot_site *site = NULL;

	for (size_t i = 0; i < gathering->nr; i++) {
		const struct found_block *found = &gathering->found[i];
		struct snapshot_block *copy;

		if (!site || site->stack_id != found->stack_id) {
			site = append((void **)&snapshot->sites, &snapshot->nr_sites,
				      sizeof(*site));
			if (!site)
				return -ENOMEM;
			site->stack_id = found->stack_id;
		}
		site->bytes += found->block.size_bytes;
		site->blocks++;
		if (!gathering->request->with_blocks)
			continue;
		copy = append((void **)&site->block_list, &site->nr_block_list, sizeof(*copy));
		if (!copy)
			return -ENOMEM;
		*copy = found->block;
	}
	return 0;
}

static int read_blocks(struct snapshot *snapshot, const struct tracer_maps *maps,
		       const struct space *space, const struct snapshot_request *request)
{
	struct gathering gathering = { .request = request, .serial = space->serial };
	int err = walk_blocks(maps, gather_block, &gathering);

	if (!err && gathering.nr) {
		qsort(gathering.found, gathering.nr, sizeof(*gathering.found),
		      by_stack_and_address);
		err = group_blocks(snapshot, &gathering);
	}
	free(gathering.found);
	return err;
}

int snapshot__read(struct snapshot *snapshot, const struct tracer_maps *maps,
		   const struct space *space, const struct snapshot_request *request)
{
	int err;

	memset(snapshot, 0, sizeof(*snapshot));
	if (request->with_blocks || request->allocated_before_ns)
		err = read_blocks(snapshot, maps, space, request);
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

int snapshot__read_stack(const struct tracer_maps *maps, uint64_t stack_id, struct stack *stack)
{
	__u64 key = stack_id;

	if (stack_id == WIRE_STACK_UNKNOWN)
		return -ENOENT;
	return bpf_map_lookup_elem(maps->stacks, &key, stack);
}

int snapshot__read_spaces(int map_fd, struct space **spaces, size_t *nr)
{
	__u64 key, next;
	void *previous = NULL;

	*spaces = NULL;
	*nr = 0;
	while (!bpf_map_get_next_key(map_fd, previous, &next)) {
		struct space space, *copy;

		key = next;
		previous = &key;
		if (bpf_map_lookup_elem(map_fd, &key, &space))
			continue; /* it went in between */
		copy = append((void **)spaces, nr, sizeof(*copy));
		if (!copy) {
			free(*spaces);
			return -ENOMEM;
		}
		*copy = space;
	}
	return 0;
}

void snapshot__forget(const struct tracer_maps *maps, const struct space *space)
{
	struct site_index_key index = { .serial = space->serial };
	uint64_t end = space->nr_sites + SITE_INDEX_SLACK;
	__u64 serial = space->serial;

	for (index.n = 0; index.n < end; index.n++) {
		struct site_key key = { .serial = space->serial };
		__u64 stack_id;

		if (bpf_map_lookup_elem(maps->site_index, &index, &stack_id))
			continue;
		key.stack_id = stack_id;
		bpf_map_delete_elem(maps->sites, &key);
		bpf_map_delete_elem(maps->site_index, &index);
		if (stack_id != WIRE_STACK_UNKNOWN)
			bpf_map_delete_elem(maps->stacks, &stack_id);
	}
	bpf_map_delete_elem(maps->ended, &serial);
}

struct sweep {
	struct space *live;
	size_t nr_live;
	uint64_t first_unseen; /* serials from here on were given out after we looked */
};

static int sweep_block(const struct block_key *key, const struct block *block, void *context)
{
	const struct sweep *sweep = context;

	(void)block;
	if (key->serial >= sweep->first_unseen)
		return VISIT_KEEP;
	for (size_t i = 0; i < sweep->nr_live; i++)
		if (sweep->live[i].serial == key->serial)
			return VISIT_KEEP;
	return VISIT_DELETE;
}

int snapshot__sweep_blocks(const struct tracer_maps *maps)
{
	struct sweep sweep = { 0 };
	struct timespec now;
	int err;

	/* new_serial() in bpf/spaces.h: nanoseconds and a CPU. */
	clock_gettime(CLOCK_MONOTONIC, &now);
	sweep.first_unseen = ((uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec) << 8;
	err = snapshot__read_spaces(maps->live, &sweep.live, &sweep.nr_live);
	if (err)
		return err;
	err = walk_blocks(maps, sweep_block, &sweep);
	free(sweep.live);
	return err;
}

uint64_t snapshot__read_loss(const struct tracer_maps *maps, enum global_loss loss)
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
