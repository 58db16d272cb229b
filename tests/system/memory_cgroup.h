/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A memory cgroup with a limit, of either version, where the machine has the controller in that
 * version. Only in an emulated machine, which is the test's own, is anything mounted for it.
 */
#ifndef MEMORY_CGROUP_H
#define MEMORY_CGROUP_H

#include <stdbool.h>

struct memory_cgroup {
	char mount_point[400], path[512], procs[600];
	bool switched_on; /* version 2: the controller, here */
	bool mounted; /* version 1: the hierarchy, here */
};

/* NULL, or why there can't be one. */
const char *memory_cgroup__make(struct memory_cgroup *cgroup, int version, int limit_mib);
/* All as it was before; nothing for one that wasn't made. */
void memory_cgroup__remove(struct memory_cgroup *cgroup);

#endif
