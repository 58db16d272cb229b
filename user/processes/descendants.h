/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The processes that a command has started, by itself or by others that it has started, while only
 * the command is traced: so that it can be told when some of them outlive it.
 */
#ifndef DESCENDANTS_H
#define DESCENDANTS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct descendant {
	pid_t tgid;
	uint64_t forked_ns; /* CLOCK_BOOTTIME */
	uint64_t gone_ns; /* CLOCK_MONOTONIC, when it was first not there any more; 0: it was */
};

/* All zero: none. The command itself is the first. */
struct descendants {
	struct descendant *process;
	size_t nr, capacity;
};

/*
 * Adds one; the time is CLOCK_MONOTONIC, as that of a record. Returns 0, -ENOSPC when there are too
 * many that live, or -ENOMEM: it will not be told then, nor will what it starts.
 */
int descendants__add(struct descendants *descendants, pid_t tgid, uint64_t time_ns);

/* What the kernel records of each fork on the machine, in the order of time. Returns as add does. */
int descendants__forked(struct descendants *descendants, pid_t tgid, pid_t parent,
			uint64_t time_ns);

/* Returns how many live now, and at *first a number of one of them. */
size_t descendants__living(const struct descendants *descendants, pid_t *first);

/* Warns of those that live now. */
void descendants__tell(const struct descendants *descendants);

void descendants__free(struct descendants *descendants);

#endif
