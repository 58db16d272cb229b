/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tells which files are memory, and finds them again by path. Knows the devices of tmpfs, of
 * hugetlbfs and of the kernel's own mounts, as they are mounted now.
 */
#ifndef MEMORY_FILES_H
#define MEMORY_FILES_H

#include <stdint.h>
#include <sys/types.h>

#include "stays/shared_memory.h"

struct memory_files;

struct memory_files *memory_files__new(void);
void memory_files__free(struct memory_files *files);

/*
 * The file system of the file that a mapping shows. The process may be in another mount namespace.
 */
enum memory_filesystem memory_files__filesystem(struct memory_files *files, pid_t tgid,
						const struct mapping *map);

struct memory_file {
	char path[4096]; /* in our mount namespace */
	uint64_t bytes; /* that it takes up, in memory and in swap */
};

/*
 * Looks for a file at the path that it had when it was mapped, then under another name in the same
 * folder: some programs name a file only after they have mapped it (sem_open does). Returns 0,
 * -ENOENT when it is not there any more, -EXDEV when its file system is not mounted in our mount
 * namespace, or -EAGAIN when it is not at its path and too much time has gone into looking through
 * folders.
 */
int memory_files__find(struct memory_files *files, const struct shared_object *object,
		       struct memory_file *file);

#endif
