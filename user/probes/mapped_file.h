/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Opens the file that a process has mapped. The traced program chose the path, and everything on
 * the way to it. So only a regular file that proves to be the mapped one is opened.
 */
#ifndef MAPPED_FILE_H
#define MAPPED_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "probes/file_identity.h"
#include "base/file_set.h"
#include "base/mapping.h"

/*
 * Opens the file through the process's map_files. If the mapping is gone already, opens it by its
 * path in the process's root, or in ours when the process is gone too. Returns a descriptor, and
 * the file's identity; -EINVAL for anything but a regular file, -ESTALE for another file, or
 * -errno.
 */
int mapped_file__open(const struct file_identifier *identifier, pid_t tgid,
		      const struct mapping *map, struct file_identity *identity);

/* Does the process have that file mapped there now? */
bool mapped_file__is_mapped(const struct file_identifier *identifier, pid_t tgid,
			    const struct mapping *map);

/* The path that map_files shows for the mapping; "" when there is none. */
void mapped_file__read_path(pid_t tgid, const struct mapping *map, char *path, size_t size);

/* The key of the mapping's file. */
struct unwind_file_key mapped_file__key(const struct mapping *map);

/* Sets the mapping's file numbers to those of identity. */
void mapped_file__set_identity(struct mapping *map, const struct file_identity *identity);

/* Is the file with these numbers in the set? */
bool mapped_file__is_in(const struct file_set *files, const struct unwind_file_key *key);

#endif
