/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The executable mappings of one address space, as they were while it lived: an address becomes
 * (file, offset) even after the process has ended. They come from /proc/PID/maps for a process that
 * already runs, then from the kernel's mmap records. Other callers read such a text by
 * mapping__read_lines.
 */
#ifndef MAPPING_H
#define MAPPING_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/file_key.h"

struct mapping {
	uint64_t start, end; /* [start, end), virtual addresses */
	uint64_t file_offset; /* of start */
	struct file_key file; /* inode 0: none ([vdso], anonymous) */
	uint64_t inode_address; /* in the kernel; see struct file_identity. 0: unknown */
	uint64_t since_ns; /* CLOCK_MONOTONIC; 0: older than the tracer's first look */
	int look_error; /* 0: its file was searched for an allocator; -errno: why it was not */
	char *path; /* as the kernel printed it, "" for anonymous; owned by the set */
};

/*
 * The memory that the sets of many processes may take together. Once half of it is taken, large
 * sets get no more, so that one process cannot leave the others without.
 */
struct mapping_room {
	uint64_t bytes, max_bytes;
};

struct mapping_set;

/* A set without a bound, or one in that room, which must outlive it. */
struct mapping_set *mapping_set__new(void);
struct mapping_set *mapping_set__new_in(struct mapping_room *room);
/* Returns NULL with errno set: ENOMEM, or ENOSPC when the set's room is taken. */
struct mapping_set *mapping_set__clone(const struct mapping_set *set);
/*
 * Gives the set one more owner, as after a fork: each owner calls mapping_set__free. A set with
 * several owners must not be changed; an owner that has to change it makes a clone first.
 */
struct mapping_set *mapping_set__share(struct mapping_set *set);
bool mapping_set__is_shared(const struct mapping_set *set);
void mapping_set__free(struct mapping_set *set);

/*
 * Records that the range of *map now shows that file. Mappings that it overlaps are cut or removed,
 * as by mmap with MAP_FIXED. The path is copied, once for a row of mappings with the same path.
 * Returns 0, -EINVAL for an empty or inverted range, -ENOSPC beyond 65,536 mappings or when the
 * set's room is taken, -ENOMEM.
 */
int mapping_set__add(struct mapping_set *set, const struct mapping *map);

/* The mapping that covers the address, or NULL. Valid until the set changes. */
const struct mapping *mapping_set__find(const struct mapping_set *set, uint64_t address);

/* Calls visit for each mapping in address order until it returns non-zero; returns that. */
int mapping_set__each(const struct mapping_set *set,
		      int (*visit)(const struct mapping *map, void *context), void *context);

/* The same, for a visitor that fills in numbers of the mapped files. */
int mapping_set__identify(struct mapping_set *set, int (*visit)(struct mapping *map, void *context),
			  void *context);

/*
 * Adds every executable mapping of a /proc/PID/maps text. Lines that don't parse are skipped.
 * Returns the number of mappings added or -errno.
 */
int mapping_set__read_maps(struct mapping_set *set, FILE *maps);

#define MAPPING_LINK_BYTES 96

/*
 * Writes the path of the link to the mapping's file in the map_files folder of that process, or of
 * a thread that still lives (see living_thread.h). The link leads to the file even when its path
 * does not, as long as exactly this range is mapped.
 */
void mapping__write_link(char link[MAPPING_LINK_BYTES], pid_t tgid, const struct mapping *map);

enum mapping_choice { MAPPINGS_SHARED, MAPPINGS_OF_FILES };

/*
 * Calls visit for each chosen mapping of a /proc/PID/maps text, executable or not. The mapping and
 * its path live until visit returns. Returns 0 or -EIO.
 */
int mapping__read_lines(FILE *maps, enum mapping_choice choice,
			void (*visit)(const struct mapping *map, void *context), void *context);

#endif
