/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A set of files as mappings name them, by device and inode, whatever the generation. It holds the
 * files that any process still maps, when things kept for other files, such as deleted ones, are to
 * be closed.
 */
#ifndef FILE_SET_H
#define FILE_SET_H

#include <stdbool.h>

#include "base/file_key.h"

struct file_set;

struct file_set *file_set__new(void);
void file_set__free(struct file_set *set);

/* Adds a file; a key without an inode is ignored. Returns 0 or -ENOMEM. */
int file_set__add(struct file_set *set, const struct file_key *file);

bool file_set__has(const struct file_set *set, const struct file_key *file);

#endif
