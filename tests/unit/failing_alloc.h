/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An allocator that can be told to fail. The unit tests are linked with --wrap=malloc,calloc,
 * realloc,strdup, so that every call from this project's objects comes here first. Allocations that
 * shared libraries make by themselves are not touched. Calls of all threads count alike.
 */
#ifndef FAILING_ALLOC_H
#define FAILING_ALLOC_H

/* Every allocation fails once nr more have succeeded; 0: from the next one on. */
void failing_alloc__after(long nr);

/* No allocation fails any more: the state at the start of a program. */
void failing_alloc__never(void);

#endif
