/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The map of stacks: read, written to when a walk is finished late, and swept. Stacks shared between
 * processes outlive them. When they fill the map, those that no held block refers to are deleted.
 */
#ifndef STACKS_H
#define STACKS_H

#include <stdbool.h>
#include <stdint.h>

#include "probes/tracer.h"

/* Reads the frames of a stack id. Returns 0, -ENOENT when they were not kept, or -errno. */
int stacks__read(const struct tracer_maps *maps, uint64_t stack_id, struct stack *stack);

/* Replaces the frames of a stack id, unless the id is gone. Returns 0 or -errno. */
int stacks__replace(const struct tracer_maps *maps, uint64_t stack_id, const struct stack *stack);

/*
 * Sweeps when more than half of the map is taken. A stack that is looked up at that very moment can
 * be lost: its blocks are then reported without frames. Returns 0 or -errno.
 */
int stacks__sweep(const struct tracer_maps *maps);

/*
 * Marks the numbers of the files that frames of any stack lie in. Returns 0; -EAGAIN when not all
 * stacks could be seen, because the map changed too much meanwhile; or -errno.
 */
int stacks__mark_files(const struct tracer_maps *maps, bool in_use[UNWIND_MAX_IDS]);

#endif
