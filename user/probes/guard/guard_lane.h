/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A lane: threads that do tasks of one kind. One thread of a lane leads: it waits for the next
 * task, and passes on the lead before it does the task. So a thread that has to wait for a process
 * delays no other task, and each guarded process holds up one thread at most.
 */
#ifndef GUARD_LANE_H
#define GUARD_LANE_H

#include <stddef.h>

#define GUARD_LANE_ANY_CPU (-1)

struct guard_lane;

/* Waits for the next task, calls guard_lane__pass_on, then does the task. */
typedef void guard_lane_work(struct guard_lane *lane, size_t number, void *context);

/*
 * Starts a lane whose threads do the work again and again, with this number and context. Those of a
 * lane on a CPU precede other threads there. A lane ends with the calling process. Returns 0 or
 * -errno.
 */
int guard_lane__start(size_t number, int cpu, guard_lane_work *work, void *context);

void guard_lane__pass_on(struct guard_lane *lane);

#endif
