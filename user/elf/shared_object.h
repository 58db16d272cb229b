/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The facts that a dynamic loader needs of one ELF file: its names, the libraries that it needs,
 * and where to search for them.
 */
#ifndef SHARED_OBJECT_H
#define SHARED_OBJECT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/file_key.h"
#include "elf/process_root.h"

/* Strings are owned; NULL when the file has none. */
struct shared_object {
	char *path;
	char *origin; /* the folder that $ORIGIN stands for in its search paths */
	char *interpreter;
	char *soname;
	char *rpath; /* NULL when there is a runpath, which takes precedence */
	char *runpath;
	char **needed; /* DT_NEEDED, DT_AUXILIARY, DT_FILTER; at most 1024 */
	size_t nr_needed, needed_capacity;
	bool no_default_folders;
	struct file_key key;
};

/*
 * Reads a regular file of this machine's class. Strings that are damaged count as absent. Returns
 * 0, -ENOEXEC, -EBADMSG, or -errno.
 */
int shared_object__read(const struct path_root *root, const char *path,
			struct shared_object **object);
void shared_object__free(struct shared_object *object);

/*
 * Sets the origin of the main program: the folder of the file that its path leads to, all links
 * followed.
 */
int shared_object__resolve_origin(struct shared_object *object, const struct path_root *root);

#endif
