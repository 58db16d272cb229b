/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The processes that a command has started, directly or through other processes, while only the
 * command is traced. The tracer warns when some of them outlive it.
 */
#ifndef DESCENDANTS_H
#define DESCENDANTS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct descendant {
	pid_t tgid;
	uint64_t forked_ns; /* CLOCK_BOOTTIME */
	uint64_t gone_ns; /* CLOCK_MONOTONIC, when it was first found gone; 0: not yet */
};

/* All zero: empty. The command itself is the first entry. */
struct descendants {
	struct descendant *process;
	size_t nr, capacity;
};

/*
 * Adds a process; the time is CLOCK_MONOTONIC, as in a record. Returns 0, -ENOSPC when too many are
 * living, or -ENOMEM. After a failure, neither the process nor its children will be reported.
 */
int descendants__add(struct descendants *descendants, pid_t tgid, uint64_t time_ns);

/*
 * Call for each fork that the kernel records on the machine, in the order of time. Returns as add
 * does.
 */
int descendants__forked(struct descendants *descendants, pid_t tgid, pid_t parent,
			uint64_t time_ns);

/* Returns the number that live now, and the PID of one of them in *first. */
size_t descendants__living(const struct descendants *descendants, pid_t *first);

/* Warns about those that live now. */
void descendants__tell(const struct descendants *descendants);

void descendants__free(struct descendants *descendants);

#endif
