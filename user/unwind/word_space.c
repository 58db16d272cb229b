// SPDX-License-Identifier: GPL-2.0
/* See word_space.h. Called by packed_rows.c. Gaps are few, so they are searched in order. */
#include "unwind/word_space.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

static void remove_gap(struct word_space *space, size_t at)
{
	space->nr--;
	memmove(&space->gaps[at], &space->gaps[at + 1], (space->nr - at) * sizeof(*space->gaps));
}

static int insert_gap(struct word_space *space, size_t at, struct word_gap gap)
{
	int err = array__reserve(&space->gaps, &space->capacity, space->nr + 1);

	if (err)
		return err;
	memmove(&space->gaps[at + 1], &space->gaps[at], (space->nr - at) * sizeof(*space->gaps));
	space->gaps[at] = gap;
	space->nr++;
	return 0;
}

int word_space__take(struct word_space *space, uint32_t nr, uint32_t *first)
{
	for (size_t i = 0; i < space->nr; i++) {
		struct word_gap *gap = &space->gaps[i];

		if (gap->nr < nr)
			continue;
		*first = gap->first;
		gap->first += nr;
		gap->nr -= nr;
		if (!gap->nr)
			remove_gap(space, i);
		return 0;
	}
	return -ENOSPC;
}

int word_space__give_back(struct word_space *space, uint32_t first, uint32_t nr)
{
	struct word_gap *before, *behind;
	size_t at = 0;

	if (!nr)
		return 0;
	while (at < space->nr && space->gaps[at].first < first)
		at++;
	before = at ? &space->gaps[at - 1] : NULL;
	behind = at < space->nr ? &space->gaps[at] : NULL;
	if (before && before->first + before->nr == first) {
		before->nr += nr;
		if (behind && first + nr == behind->first) {
			before->nr += behind->nr;
			remove_gap(space, at);
		}
		return 0;
	}
	if (behind && first + nr == behind->first) {
		behind->first = first;
		behind->nr += nr;
		return 0;
	}
	return insert_gap(space, at, (struct word_gap){ first, nr });
}

uint64_t word_space__nr_free(const struct word_space *space)
{
	uint64_t nr = 0;

	for (size_t i = 0; i < space->nr; i++)
		nr += space->gaps[i].nr;
	return nr;
}

void word_space__free(struct word_space *space)
{
	free(space->gaps);
	*space = (struct word_space){ 0 };
}
