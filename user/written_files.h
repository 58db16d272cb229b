/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tells of files that somebody has just written, by fanotify(7). A tracer of the whole system, or
 * one that follows children, looks into them before anybody runs them: the first process of a new
 * program is seen from its first call. Nobody waits for the tracer, and no mount is kept busy: the
 * kernel reports a file by its handle.
 *
 * Watched are the local file systems that are mounted at the start, except those that people take
 * out (below /mnt, /media and /run/media). On others, and on those whose files have no handles, a
 * file is looked into when a process maps it.
 */
#ifndef WRITTEN_FILES_H
#define WRITTEN_FILES_H

#include <stdbool.h>
#include <stddef.h>

struct written_files;

/*
 * From now on the kernel keeps what is written. Needs CAP_SYS_ADMIN for this call, and
 * CAP_DAC_READ_SEARCH to read it. Returns NULL and errno on failure; ENODEV: no file system can be
 * watched.
 */
struct written_files *written_files__watch(void);
void written_files__free(struct written_files *written);

/* Readable when files were written. written may be NULL: -1. */
int written_files__fd(const struct written_files *written);
size_t written_files__nr_file_systems(const struct written_files *written);

/*
 * Calls visit with a descriptor of each regular file that was written and closed, and its path. The
 * visitor may keep neither. Stops when none is left, or after some milliseconds: the rest is for
 * the next call.
 */
void written_files__each(struct written_files *written,
			 void (*visit)(int fd, const char *path, void *context), void *context);

/* Pure. Is a file system of that type, mounted there, to be watched? */
bool written_files__are_watched_on(const char *type, const char *point);

#endif
