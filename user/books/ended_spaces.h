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
 * Takes what has ended. The map of spaces that found the queue full is read when the queue was
 * full, or when the caller has to know of all. A space for which there is no memory stays in the
 * maps until the next time.
 */
void ended_spaces__take(struct ended_spaces *ended, const struct tracer_maps *maps, bool all);

/*
 * Takes a living space whose end was missed out of the maps, and adds it as if it had ended now;
 * its record then says so too. Returns 0; -ENOENT when the end was seen after all; -ENOMEM when the
 * space is gone and can't be added; or -errno.
 */
int ended_spaces__add_missed(struct ended_spaces *ended, const struct tracer_maps *maps,
			     struct space *space, uint64_t now_ns);

/* Forgets the first nr spaces: they are reported. */
void ended_spaces__forget(struct ended_spaces *ended, size_t nr);

/* Deletes what the maps hold about an ended space, but for its blocks: see dead_sweep.h. */
void ended_spaces__delete_records(const struct tracer_maps *maps, const struct space *space);

#endif
