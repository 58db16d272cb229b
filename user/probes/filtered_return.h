/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Does a return probe kill a program that has a seccomp filter? Since Linux 6.11 on x86-64, the
 * return from a return probe is a system call, and until 6.14 (and the stable kernels that took the
 * fix) seccomp filters saw it. The answer comes from a trial on a child process, not from the
 * version.
 */
#ifndef FILTERED_RETURN_H
#define FILTERED_RETURN_H

#include <stdbool.h>

/* Can a kernel of that release (uname -r) have the defect at all? */
bool filtered_return__is_suspect(const char *release);

/*
 * Puts a return probe into a child that has a filter. 1: the kernel killed the child; 0: it did
 * not; -errno: the trial failed. uprobe_type is the perf event type of uprobes.
 */
int filtered_return__is_deadly(int uprobe_type);

/* The same with a filter that kills the child in any case, to test the trial itself. */
int filtered_return__is_deadly_for_certain(int uprobe_type);

#endif
