/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Closes BPF links in processes that exist only for that. The last process that has a link open
 * detaches it, which takes the kernel up to a second for each link. The closers do this in
 * parallel, and no one has to wait for them. They close links by exiting: an exiting process no
 * longer takes SIGKILL, while a close() that SIGKILL interrupts leaves its breakpoints in place.
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
	int go_fd; /* the closers begin when no one has its pipe open any more */
};

/*
 * Starts processes that keep these descriptors open, so that closing them is quick for the caller.
 * Returns 0, or -errno when there are none: then the caller's own close() is the last one.
 */
int link_closers__begin(struct link_closers *closers, const int *fds, size_t nr);

/* Call after the caller has closed the links: the closers may exit. */
void link_closers__release(struct link_closers *closers);

/* Waits up to limit_ms for all closers to exit. Returns whether they have. */
bool link_closers__wait(struct link_closers *closers, unsigned int limit_ms);

#endif
