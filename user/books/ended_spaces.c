// SPDX-License-Identifier: GPL-2.0
/* See ended_spaces.h. Called by monitor_ends.c; the maps are described in bpf/maps.h. */
#include "books/ended_spaces.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "books/doomed_keys.h"
#include "books/snapshot.h"

/*
 * Beyond this capacity the memory is freed once all are reported: a flood of ends is no reason to
 * keep it for ever.
 */
#define MAX_IDLE_CAPACITY 4096
#define BATCH_SPACES 256

static int make_room(struct ended_spaces *ended, size_t nr)
{
	return array__reserve(&ended->space, &ended->capacity, ended->nr + nr);
}

static int by_end(const void *a, const void *b)
{
	const struct space *left = a, *right = b;

	return left->after_ns < right->after_ns ? -1 : left->after_ns > right->after_ns;
}

/* Takes up to room of the late spaces, in no order. Returns whether there are more. */
static bool take_late_batch(const struct tracer_maps *maps, struct space *spaces, size_t room,
			    size_t *nr)
{
	LIBBPF_OPTS(bpf_map_batch_opts, options);
	__u64 *serials = calloc(room, sizeof(*serials));
	__u32 cursor, found = (__u32)room;
	int err = -ENOMEM;

	if (serials)
		err = bpf_map_lookup_and_delete_batch(maps->late_ends, NULL, &cursor, serials,
						      spaces, &found, &options);
	free(serials);
	if (err && err != -ENOENT) /* -ENOENT says that these are the last */
		return false;
	*nr += found;
	return !err;
}

static void take_late(struct ended_spaces *ended, const struct tracer_maps *maps)
{
	size_t before = ended->nr;
	bool more = true;

	while (more && !make_room(ended, BATCH_SPACES))
		more = take_late_batch(maps, &ended->space[ended->nr], BATCH_SPACES, &ended->nr);
	if (ended->nr != before)
		qsort(ended->space, ended->nr, sizeof(*ended->space), by_end);
}

void ended_spaces__take(struct ended_spaces *ended, const struct tracer_maps *maps, bool all)
{
	size_t before = ended->nr;

	while (!make_room(ended, 1) &&
	       !bpf_map_lookup_and_delete_elem(maps->ended, NULL, &ended->space[ended->nr]))
		ended->nr++;
	if (all || ended->nr - before >= maps->max_ended)
		take_late(ended, maps);
}

int ended_spaces__add_missed(struct ended_spaces *ended, const struct tracer_maps *maps,
			     struct space *space, uint64_t now_ns)
{
	__u64 mm = space->mm;

	if (bpf_map_delete_elem(maps->live, &mm))
		return -errno; /* its end was seen just now */
	space->after_ns = now_ns;
	if (make_room(ended, 1))
		return -ENOMEM;
	ended->space[ended->nr++] = *space;
	return 0;
}

void ended_spaces__forget(struct ended_spaces *ended, size_t nr)
{
	ended->nr -= nr;
	memmove(ended->space, ended->space + nr, ended->nr * sizeof(*ended->space));
	if (ended->nr || ended->capacity <= MAX_IDLE_CAPACITY)
		return;
	free(ended->space);
	*ended = (struct ended_spaces){ 0 };
}

void ended_spaces__delete_records(const struct tracer_maps *maps, const struct space *space)
{
	struct doomed_keys sites = { .map_fd = maps->sites, .key_bytes = sizeof(struct site_key) };
	struct doomed_keys indexes = { .map_fd = maps->site_index,
				       .key_bytes = sizeof(struct site_index_key) };
	struct doomed_keys stacks = { .map_fd = maps->stacks, .key_bytes = sizeof(__u64) };
	__u64 *ids;
	size_t nr;
	int err = snapshot__read_stack_ids(maps, space, &ids, &nr);

	for (size_t i = 0; i < nr && !err; i++) {
		struct site_key site = { space->serial, ids[i] };
		struct site_index_key index = { space->serial, i };

		err = doomed_keys__add(&sites, &site);
		if (!err)
			err = doomed_keys__add(&indexes, &index);
		if (!err && ids[i] & WIRE_STACK_OWN)
			err = doomed_keys__add(&stacks, &ids[i]);
	}
	if (!err) {
		doomed_keys__delete(&sites);
		doomed_keys__delete(&indexes);
		doomed_keys__delete(&stacks);
	}
	doomed_keys__free(&sites);
	doomed_keys__free(&indexes);
	doomed_keys__free(&stacks);
	free(ids);
}
