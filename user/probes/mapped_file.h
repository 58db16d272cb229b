/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Opens the file that a process has mapped. Paths, and all that they lead through, were chosen by
 * whoever runs there: nothing is opened but regular files that proved to be the mapped one.
 */
#ifndef MAPPED_FILE_H
#define MAPPED_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "probes/file_identity.h"
#include "base/file_set.h"
#include "base/mapping.h"

/*
 * Through the process's map_files; when the mapping is gone already, by its path in the process's
 * root, or in ours when the process is gone too. Returns a descriptor and what file that is;
 * -EINVAL for what is no regular file, -ESTALE for another file, or -errno.
 */
int mapped_file__open(const struct file_identifier *identifier, pid_t tgid,
		      const struct mapping *map, struct file_identity *identity);

/* What path the process's map_files shows for the mapping; "" when it is not to be had. */
void mapped_file__read_path(pid_t tgid, const struct mapping *map, char *path, size_t size);

/* The key by which the file of a mapping is known. */
struct unwind_file_key mapped_file__key(const struct mapping *map);

/* Gives the mapping that file's numbers. */
void mapped_file__set_identity(struct mapping *map, const struct file_identity *identity);

/* Is the file with these numbers in the set? */
bool mapped_file__is_in(const struct file_set *files, const struct unwind_file_key *key);

#endif
