/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A memory cgroup with a limit, of either version, if the machine has the controller in that
 * version. It is mounted only in an emulated machine, which belongs to the test.
 */
#ifndef MEMORY_CGROUP_H
#define MEMORY_CGROUP_H

#include <stdbool.h>

struct memory_cgroup {
	char mount_point[400], path[512], procs[600];
	bool switched_on; /* version 2: we switched the controller on */
	bool mounted; /* version 1: we mounted the hierarchy */
};

/* Returns NULL, or why there can't be one. */
const char *memory_cgroup__make(struct memory_cgroup *cgroup, int version, int limit_mib);
/* Restores the previous state; does nothing for a cgroup that wasn't made. */
void memory_cgroup__remove(struct memory_cgroup *cgroup);

#endif
