// SPDX-License-Identifier: GPL-2.0
/* See ended_spaces.h. Called by monitor_ends.c; the maps are described in bpf/maps.h. */
#include "books/ended_spaces.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "books/snapshot.h"

#define MIN_CAPACITY 64
/* A flood of ends is no reason to keep that much memory for ever. */
#define MAX_IDLE_CAPACITY 4096
#define BATCH_SPACES 256

static int make_room(struct ended_spaces *ended, size_t nr)
{
	size_t capacity = ended->capacity ? ended->capacity : MIN_CAPACITY;
	struct space *grown;

	while (capacity < ended->nr + nr)
		capacity *= 2;
	if (capacity == ended->capacity)
		return 0;
	grown = realloc(ended->space, capacity * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	ended->space = grown;
	ended->capacity = capacity;
	return 0;
}

static int by_end(const void *a, const void *b)
{
	const struct space *left = a, *right = b;

	return left->after_ns < right->after_ns ? -1 : left->after_ns > right->after_ns;
}

static void take_late(struct ended_spaces *ended, const struct tracer_maps *maps)
{
	size_t before = ended->nr;
	bool more = true;

	while (more && !make_room(ended, BATCH_SPACES))
		more = snapshot__take_late_ends(maps, &ended->space[ended->nr], BATCH_SPACES,
						&ended->nr);
	if (ended->nr != before)
		qsort(ended->space, ended->nr, sizeof(*ended->space), by_end);
}

void ended_spaces__take(struct ended_spaces *ended, const struct tracer_maps *maps, bool all)
{
	size_t before = ended->nr;

	while (!make_room(ended, 1) && !snapshot__take_ended(maps, &ended->space[ended->nr]))
		ended->nr++;
	if (all || ended->nr - before >= maps->max_ended)
		take_late(ended, maps);
}

int ended_spaces__add(struct ended_spaces *ended, const struct space *space)
{
	int err = make_room(ended, 1);

	if (!err)
		ended->space[ended->nr++] = *space;
	return err;
}

void ended_spaces__drop(struct ended_spaces *ended, size_t nr)
{
	ended->nr -= nr;
	memmove(ended->space, ended->space + nr, ended->nr * sizeof(*ended->space));
	if (ended->nr || ended->capacity <= MAX_IDLE_CAPACITY)
		return;
	free(ended->space);
	*ended = (struct ended_spaces){ 0 };
}
