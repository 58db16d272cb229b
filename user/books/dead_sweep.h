/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Deletes what the maps still hold of address spaces that are gone: blocks, which each of them
 * leaves, and the sites of those whose records were lost. They match nothing; they only take room.
 */
#ifndef DEAD_SWEEP_H
#define DEAD_SWEEP_H

#include "books/ended_spaces.h"

/*
 * Deletes what belongs to no space that lives, waits to be reported, or is an ancestor of one of
 * these: by one walk of each map. Takes what has ended meanwhile into ended. Returns 0 or -errno.
 */
int dead_sweep__run(const struct tracer_maps *maps, struct ended_spaces *ended);

#endif
