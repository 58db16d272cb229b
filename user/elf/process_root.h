/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The root folder of a process, which containers and chroot change: a path that the process knows
 * may lead somewhere else from ours. The root is kept open, so that it serves after the process has
 * ended. Links below it are resolved inside it: nothing outside is reached.
 */
#ifndef PROCESS_ROOT_H
#define PROCESS_ROOT_H

#include <stddef.h>

struct process_root;

/*
 * Opens a path such as /proc/PID/root, even when it is our own root: below it, that process may
 * have other things mounted. NULL and errno on failure.
 */
struct process_root *process_root__enter(const char *path);
/* Adds an owner and returns the root, which may be NULL. Each owner calls process_root__free. */
struct process_root *process_root__share(struct process_root *root);
void process_root__free(struct process_root *root);

/*
 * Where the process's path of a file begins, for patient_open.h: the root's descriptor, or -1 when
 * root is NULL, our own. /proc/PID/maps shows us paths that begin with the root's path when the
 * root is a folder that we can see: this cuts that part off.
 */
int process_root__place(const struct process_root *root, const char **path);

/* Where paths begin: a root, and the prefix that our own paths below it have. */
struct path_root {
	const struct process_root *folder; /* NULL: ours */
	const char *prefix;
};

/* Each root once, however many processes have it. */
struct process_root_list {
	struct process_root **roots;
	size_t nr, capacity;
};

/*
 * The root at that path, still owned by the list. Returns NULL when it is our own root (errno is
 * 0), or with errno set. Different mounts below the same folder make no other root.
 */
struct process_root *process_root_list__get(struct process_root_list *list, const char *path);
/* Frees the roots that have no other owner. */
void process_root_list__sweep(struct process_root_list *list);
void process_root_list__clear(struct process_root_list *list);

#endif
