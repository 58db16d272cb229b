/* SPDX-License-Identifier: GPL-2.0 */
/* The result of looking into each file, so that no file is looked into twice. */
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
	struct timespec changed; /* with the size: to recognise files whose numbers don't suffice */
	off_t size_bytes;
	/* CLOCK_MONOTONIC, when its content was written; 0: before the boot, or not known */
	uint64_t written_ns;
	bool shares_numbers; /* btrfs: files of different snapshots can have the same numbers */
	bool is_allocator;
	bool uses_vfork;
	int look_error; /* see probed_files__look_error */
	bool forgotten; /* the slot stays: entries after it are found through it */
};

/* All zero: empty. */
struct known_files {
	/* Open addressing by inode; capacity is a power of two, or 0. */
	struct known_file *files;
	size_t nr, capacity;
};

/* Do the file's numbers identify it for ever? */
bool known_file__is_certain(const struct known_file *file);
/*
 * What is known of the open file whose stat(2) that is, before it is looked into. Its time of
 * modification may be any: one that is yet to come does not count.
 */
struct known_file known_file__new(const struct unwind_file_key *key, const struct stat *status);
/* Has it the size and the time of change that it had when it was looked into? */
bool known_file__has_status(const struct known_file *file, const struct stat *status);
/* Is an open file with these numbers and that status still the one that was looked into? */
bool known_file__is_unchanged(const struct known_file *file, const struct stat *status);

void known_files__free(struct known_files *known);

/* NULL: not known. Valid until another file is remembered or forgotten. */
const struct known_file *known_files__find(const struct known_files *known,
					   const struct unwind_file_key *key);

/*
 * The generation of a known file with the key's device and inode; the key's own generation is
 * ignored. 0: no such file is known with a generation.
 */
uint64_t known_files__generation(const struct known_files *known,
				 const struct unwind_file_key *key);

/*
 * Replaces any entry with the same key. When the table is full, all files but allocators are
 * forgotten; they are looked into again when a process maps them. Returns 0 or -ENOMEM.
 */
int known_files__remember(struct known_files *known, const struct known_file *file);

void known_files__forget(struct known_files *known, const struct unwind_file_key *key);
/* When there are many, forgets the files that no process maps, except allocators. */
void known_files__sweep(struct known_files *known, const struct file_set *mapped);

#endif
