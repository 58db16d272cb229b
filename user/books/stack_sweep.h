/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Room for stacks. One that is shared by all processes stays when a process ends that came by it;
 * when such stacks fill the map, those that nothing is held from are deleted.
 */
#ifndef STACK_SWEEP_H
#define STACK_SWEEP_H

#include "probes/tracer.h"

/*
 * Sweeps when more than half of the map is taken. A stack that is come by at that very moment can
 * be lost: its blocks are then reported without frames. Returns 0 or -errno.
 */
int stack_sweep__run(const struct tracer_maps *maps);

/*
 * Marks the numbers of files that frames of any stack have. Returns 0; -EAGAIN when not all could
 * be seen, so much has changed meanwhile.
 */
int stack_sweep__mark_files(const struct tracer_maps *maps, bool in_use[UNWIND_MAX_IDS]);

#endif
