/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The address spaces that have ended and are not reported yet, in the order of their ends: taken
 * out of the kernel's maps, so that there is room for more.
 */
#ifndef ENDED_SPACES_H
#define ENDED_SPACES_H

#include <stdbool.h>
#include <stddef.h>

#include "probes/tracer.h"

struct ended_spaces {
	struct space *space; /* owned */
	size_t nr, capacity;
};

/*
 * Takes what has ended. Those that came too late for the queue are looked for when it was full, or
 * when the caller has to know of all. What finds no memory stays in the maps until the next time.
 */
void ended_spaces__take(struct ended_spaces *ended, const struct tracer_maps *maps, bool all);

/* Adds one that has left the maps. Returns 0 or -ENOMEM. */
int ended_spaces__add(struct ended_spaces *ended, const struct space *space);

/* Drops the first so many: they are reported. */
void ended_spaces__drop(struct ended_spaces *ended, size_t nr);

#endif
