/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Closes BPF links in processes that end for it. A link is closed by the last process that has it
 * open, and that takes the kernel up to a second for each. Processes of their own do it side by
 * side, and nobody has to wait for them. They close by ending: a process that is ending gets no
 * SIGKILL any more, while a close() that one interrupts leaves its breakpoints where they are.
 */
#ifndef LINK_CLOSERS_H
#define LINK_CLOSERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define LINK_CLOSERS_MAX 8

struct link_closers {
	pid_t pid[LINK_CLOSERS_MAX];
	size_t nr;
	int go_fd; /* they begin when nobody has it open any more */
};

/*
 * Begins processes that keep these descriptors open, so that closing them is quick for the caller.
 * Returns 0, or -errno when there are none: then the caller's own close() is the last one.
 */
int link_closers__begin(struct link_closers *closers, const int *fds, size_t nr);

/* Once the caller has closed them: they may end. */
void link_closers__release(struct link_closers *closers);

/* Waits that long for all of them to end. Returns whether they have. */
bool link_closers__wait(struct link_closers *closers, unsigned int limit_ms);

#endif
