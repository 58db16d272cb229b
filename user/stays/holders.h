/* SPDX-License-Identifier: GPL-2.0 */
/* Which processes hold which files in memory, at one moment. Pure data; filled by holder_scan.h. */
#ifndef HOLDERS_H
#define HOLDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf/wire.h"
#include "stays/shared_memory.h"

struct holders {
	struct holder *list;
	size_t nr, capacity;
};

/* Who holds one object, but for the processes that don't count. */
struct holding {
	unsigned int nr_processes; /* 0: nobody */
	pid_t first; /* the lowest PID of them */
	bool open, mapped; /* by the first */
	uint64_t bytes;
};

/*
 * Adds a record as it came; an equal one may be there already. Returns 0, -ENOMEM, or -ENOSPC when
 * there are more than 262,144.
 */
int holders__add(struct holders *holders, const struct holder *holder);

/* To be called once, after the last was added. */
void holders__sort(struct holders *holders);

/* except: a process that does not count, or 0. */
struct holding holders__find(const struct holders *holders, const struct shared_object *object,
			     pid_t except);

void holders__clear(struct holders *holders);
void holders__free(struct holders *holders);

#endif
