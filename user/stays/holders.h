/* SPDX-License-Identifier: GPL-2.0 */
/* The processes that hold memory files, at one moment. Pure data; filled by holder_scan.h. */
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

/* The processes that hold one object, without those that don't count. */
struct holding {
	unsigned int nr_processes; /* 0: nobody */
	pid_t first; /* the lowest PID of them */
	bool open, mapped; /* by the first */
	uint64_t bytes;
};

/*
 * Adds a record at the end, unsorted; duplicates are allowed. Returns 0, -ENOMEM, or -ENOSPC when
 * there are more than 262,144.
 */
int holders__add(struct holders *holders, const struct holder *holder);

/* Call once, after the last record was added. */
void holders__sort(struct holders *holders);

/* except: a process that does not count, or 0. */
struct holding holders__find(const struct holders *holders, const struct shared_object *object,
			     pid_t except);

void holders__clear(struct holders *holders);
void holders__free(struct holders *holders);

#endif
