/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The executable file mappings of one address space, as they were while it lived: an address
 * becomes (file, offset) even when the process has ended. Fed from /proc/PID/maps for what already
 * runs and from the kernel's mmap records after that. And a reader of such a text for others.
 */
#ifndef MAPPING_H
#define MAPPING_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct mapping {
	uint64_t start, end; /* [start, end), virtual addresses */
	uint64_t file_offset; /* of start */
	uint32_t dev_major, dev_minor; /* as the kernel shows them in /proc/PID/maps */
	uint64_t inode; /* 0: no file ([vdso], anonymous) */
	uint64_t inode_generation; /* tells two files with one number apart; 0: unknown */
	uint64_t inode_address; /* the kernel's; see struct file_identity. 0: unknown */
	uint64_t since_ns; /* CLOCK_MONOTONIC; 0: it was there when we came */
	int look_error; /* a negated errno: why no allocator was looked for in its file; 0: one was */
	char *path; /* owned by the set; as the kernel printed it, "" for anonymous */
};

/*
 * What the sets of many processes may take together. What is nearly full takes no more of the sets
 * that are large already, so that one process cannot leave the others without.
 */
struct mapping_room {
	uint64_t bytes, max_bytes;
};

struct mapping_set;

/* Of no room in particular, or in that room, which must outlive it. */
struct mapping_set *mapping_set__new(void);
struct mapping_set *mapping_set__new_in(struct mapping_room *room);
/* NULL with errno set: ENOMEM, or ENOSPC when its room is taken. */
struct mapping_set *mapping_set__clone(const struct mapping_set *set);
/*
 * Another owner of the same set, as fork makes it: each calls mapping_set__free. A set with several
 * owners must not be changed; an owner that has to gets a clone of its own first.
 */
struct mapping_set *mapping_set__share(struct mapping_set *set);
bool mapping_set__is_shared(const struct mapping_set *set);
void mapping_set__free(struct mapping_set *set);

/*
 * Records that the range of *map now shows that file. What it overlaps is cut or dropped, as mmap
 * with MAP_FIXED does. The path is copied, once for the mappings of a file that come one after the
 * other. Returns 0, -EINVAL for an empty or inverted range, -ENOSPC beyond 65,536 mappings or when
 * the set's room is taken, -ENOMEM.
 */
int mapping_set__add(struct mapping_set *set, const struct mapping *map);

/* The mapping that covers the address, or NULL. Valid until the set changes. */
const struct mapping *mapping_set__find(const struct mapping_set *set, uint64_t address);

/*
 * Calls visit for each mapping in address order until it returns non-zero; returns that.
 */
int mapping_set__each(const struct mapping_set *set,
		      int (*visit)(const struct mapping *map, void *context), void *context);

/* The same, for a visitor that finds out more of the mapped files' numbers. */
int mapping_set__identify(struct mapping_set *set, int (*visit)(struct mapping *map, void *context),
			  void *context);

/*
 * Adds every executable mapping of a /proc/PID/maps text. Lines that don't parse are skipped.
 * Returns the number of mappings added or -errno.
 */
int mapping_set__read_maps(struct mapping_set *set, FILE *maps);

enum mapping_choice { MAPPINGS_SHARED, MAPPINGS_OF_FILES };

/*
 * Calls visit for each of these mappings of such a text, executable or not; the mapping and its
 * path live until it returns. Returns 0 or -EIO.
 */
int mapping__read_lines(FILE *maps, enum mapping_choice choice,
			void (*visit)(const struct mapping *map, void *context), void *context);

#endif
