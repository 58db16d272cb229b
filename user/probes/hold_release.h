/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lets held processes go on. The tracer does it once it has looked into their files, the keeper
 * when their time is over; each can do it for the other. Allocates nothing and logs nothing.
 */
#ifndef HOLD_RELEASE_H
#define HOLD_RELEASE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf/wire_hold.h"

/* Descriptors of the maps of bpf/hold.bpf.c. */
struct hold_maps {
	int held, parents, known_files;
};

/*
 * Continues a process if it is held by the hold that began at that time. Returns 0, -ESRCH when
 * that hold is over, or -errno. The entry may stay for a moment: the stop has not been sent yet;
 * then ask again.
 */
int hold_release__one(const struct hold_maps *maps, pid_t tgid, uint64_t from_ns);

enum hold_release_of {
	HOLD_RELEASE_OVERDUE, /* those whose time is over */
	HOLD_RELEASE_ALL,
	HOLD_RELEASE_ALONE, /* all; the tracer is gone, and with it the programs of BPF */
};

/*
 * Continues these of the held processes, and each parent that has stopped itself because of a hold
 * that is over. now_ns is CLOCK_MONOTONIC. A file for which a process waited in vain does not hold
 * the next one. Returns how many were still held.
 */
size_t hold_release__several(const struct hold_maps *maps, uint64_t now_ns,
			     enum hold_release_of which);

#endif
