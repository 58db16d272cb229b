/* SPDX-License-Identifier: GPL-2.0 */
/* What came of the look at each file, so that none need be looked at again. */
#ifndef KNOWN_FILES_H
#define KNOWN_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file_set.h"
#include "bpf/wire_unwind.h"

struct known_file {
	struct unwind_file_key key; /* inode 0: a free slot */
	struct timespec changed; /* with the size: for files whose numbers don't tell enough */
	off_t size_bytes;
	bool shares_numbers; /* the snapshots of a btrfs have each other's */
	bool is_allocator;
	bool uses_vfork;
	int look_error; /* see probed_files__look_error */
	bool forgotten; /* the slot is needed for those after it */
};

/* All zero: none is known. */
struct known_files {
	/* Open addressing by inode; capacity is a power of two, or 0. */
	struct known_file *files;
	size_t nr, capacity;
};

/* Do its numbers mean one file for ever? */
bool known_file__is_certain(const struct known_file *file);
/* Is the open file with these numbers and that status still the one that was looked at? */
bool known_file__is_unchanged(const struct known_file *file, const struct stat *status);

void known_files__free(struct known_files *known);

/* NULL: it is not known. Valid until the next one is remembered or forgotten. */
const struct known_file *known_files__find(const struct known_files *known,
					   const struct unwind_file_key *key);

/*
 * The generation of a file with that device and inode, whatever the key's own; 0: none is known
 * with a generation.
 */
uint64_t known_files__generation(const struct known_files *known,
				 const struct unwind_file_key *key);

/*
 * Takes the place of what was known by the same key. When there are too many, all but allocators
 * are forgotten: a file that was is looked at again when somebody maps it. Returns 0 or -ENOMEM.
 */
int known_files__remember(struct known_files *known, const struct known_file *file);

void known_files__forget(struct known_files *known, const struct unwind_file_key *key);
/* When there are many, forgets those that nobody maps, but for allocators. */
void known_files__forget_unmapped(struct known_files *known, const struct file_set *mapped);

#endif
