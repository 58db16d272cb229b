/* SPDX-License-Identifier: GPL-2.0 */
/* The control group of a process, as reports name it. */
#ifndef PROCESS_CGROUP_H
#define PROCESS_CGROUP_H

#include <sys/types.h>

/*
 * The path in the memory controller's hierarchy, to be freed; NULL when it is not known, as when
 * the process is ending.
 */
char *process_cgroup__read(pid_t tgid);

#endif
