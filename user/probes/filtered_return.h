/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Does a return probe end a program that has a seccomp filter? From Linux 6.11 on the way back from
 * a return probe is a system call on x86-64, and until 6.14 (and the stable kernels that took the
 * fix) filters saw it. Tried on a child of ours, not guessed.
 */
#ifndef FILTERED_RETURN_H
#define FILTERED_RETURN_H

#include <stdbool.h>

/* Whether a kernel of that release (uname -r) can have the defect at all. */
bool filtered_return__is_suspect(const char *release);

/*
 * Ends a child under a filter by a return probe, if the kernel does. 1: it does; 0: it does not;
 * -errno: it could not be tried. uprobe_type is the perf event type of uprobes.
 */
int filtered_return__is_deadly(int uprobe_type);

/* The same with a filter that forbids what the child does in any case: for testing the test. */
int filtered_return__is_deadly_for_certain(int uprobe_type);

#endif
