/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The allocators that are installed on a machine, and the probes that each would get. A file that
 * can't be read is in the list, with the reason.
 */
#ifndef INSTALLED_ALLOCATORS_H
#define INSTALLED_ALLOCATORS_H

#include <stddef.h>
#include <sys/types.h>

#include "allocators/allocator_probes.h"

struct installed_allocator {
	char *path;
	char *no_probes; /* why there are none, in words; NULL if there are some */
	struct allocator_probes probes;
	dev_t device;
	ino_t inode;
};

/* All zero: empty. */
struct installed_allocators {
	struct installed_allocator *list;
	size_t nr, capacity;
};

/* Adds those in the usual places below root ("" for the system's own). Returns 0 or -ENOMEM. */
int installed_allocators__add_usual(struct installed_allocators *installed, const char *root);

/* Adds that file, unless it is there by another path. Returns 0 or -ENOMEM. */
int installed_allocators__add(struct installed_allocators *installed, const char *path);

/* The entry of the file that the path leads to; or NULL. */
const struct installed_allocator *
installed_allocators__find(const struct installed_allocators *installed, const char *path);

void installed_allocators__free(struct installed_allocators *installed);

#endif
