/* SPDX-License-Identifier: GPL-2.0 */
/* Attaches to the threads of a process, without stopping any. */
#ifndef THREAD_SEIZING_H
#define THREAD_SEIZING_H

#include "leaks/tracing_state.h"

/*
 * One pass over /proc/TGID/task. *nr_new: how many threads it found that were not known. Returns 0,
 * -ESRCH when the process is gone, -EBUSY when another tracer has a thread, whose number is in
 * *other, -EPERM, -EAGAIN when the kernel made it wait for something that may need us (try it
 * again later, after the stops that have come; *other: the thread that it could not attach to), or
 * -errno.
 */
int thread_seizing__pass(struct tracing *tracing, struct watched_process *process, size_t *nr_new,
			 pid_t *other);

#endif
