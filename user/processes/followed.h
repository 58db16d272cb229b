/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The processes whose ends end a run: the command, or the targets of -p and, with -f, their
 * children.
 */
#ifndef FOLLOWED_H
#define FOLLOWED_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct followed_process {
	pid_t tgid;
	int pidfd; /* -1: no pidfds in this kernel */
};

/* All zero: empty. */
struct followed {
	struct followed_process *process;
	size_t nr, capacity;
};

/* Returns 0, -ESRCH when there is no such process, or -errno. */
int followed__add(struct followed *followed, pid_t tgid);
bool followed__has(const struct followed *followed, pid_t tgid);
/* Has the process at that index ended? It may still be a zombie. */
bool followed__has_ended(const struct followed *followed, size_t index);
/* The last entry moves to the freed index. */
void followed__forget(struct followed *followed, size_t index);
void followed__free(struct followed *followed);

#endif
