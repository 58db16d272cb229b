/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The root folder of a process, which containers and chroot change: paths that it knows files by
 * lead somewhere else from ours. Kept open, so that it serves when the process has ended. Whatever
 * the links below it say, nothing outside of it is reached.
 */
#ifndef PROCESS_ROOT_H
#define PROCESS_ROOT_H

#include <stddef.h>

struct process_root;

/*
 * path: such as /proc/PID/root. NULL when it is the root that we have too (errno is 0), or with
 * errno set. Mounts below it make no other root.
 */
struct process_root *process_root__open(const char *path);
/* The same, but never NULL for the root that we have: other things may be mounted below it there. */
struct process_root *process_root__enter(const char *path);
/* Another owner, also of NULL: each calls process_root__free. */
struct process_root *process_root__share(struct process_root *root);
void process_root__free(struct process_root *root);

/*
 * Where the path begins that the process knows a file by, for patient_open.h: the root's
 * descriptor, or -1 for root NULL, our own. Of a path as /proc/PID/maps shows it to us, where the
 * root is a folder that we can see, the part before it goes.
 */
int process_root__place(const struct process_root *root, const char **path);

/* Where paths begin: a root, and what of ours goes before the paths below it. */
struct path_root {
	const struct process_root *folder; /* NULL: ours */
	const char *prefix;
};

/* Each root once, however many processes have it. */
struct process_root_list {
	struct process_root **roots;
	size_t nr;
};

/* The root at that path, still owned by the list; NULL as above. */
struct process_root *process_root_list__get(struct process_root_list *list, const char *path);
/* Lets go those that have no other owner. */
void process_root_list__forget_unused(struct process_root_list *list);
void process_root_list__clear(struct process_root_list *list);

#endif
