/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What shared memory one program mapped: objects that can outlive it, each once, by device and
 * inode. Pure data. Whether an object is still there is found out at the end, by shm_survivors.h.
 * System V segments have their identifiers for inode numbers, those of memfds are counted up, and
 * both lie on one device: a number alone does not tell one from the other.
 */
#ifndef SHARED_MEMORY_H
#define SHARED_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mapping.h"

/* Where a mapped file lies; the last two are mounts that only the kernel sees. */
enum memory_filesystem {
	FILESYSTEM_OTHER, /* its pages are page cache, or it is a device */
	FILESYSTEM_TMPFS,
	FILESYSTEM_HUGETLBFS,
	FILESYSTEM_KERNEL_TMPFS,
	FILESYSTEM_KERNEL_HUGETLBFS,
};

enum shared_kind {
	SHARED_SYSV,
	SHARED_ANONYMOUS, /* MAP_SHARED | MAP_ANONYMOUS */
	SHARED_MEMFD,
	SHARED_FILE, /* of a tmpfs or hugetlbfs */
	SHARED_DRIVER, /* a driver's, such as of graphics */
};

struct shared_object {
	enum shared_kind kind;
	bool huge; /* of huge pages */
	bool had_no_name; /* SHARED_FILE: the file was deleted when it was mapped */
	bool elsewhere; /* SHARED_SYSV: of another IPC namespace than ours */
	uint32_t dev_major, dev_minor;
	uint64_t inode; /* SHARED_SYSV: the segment's identifier */
	uint32_t key; /* SHARED_SYSV */
	char *name; /* the path of a file, the name of a memfd; "" for the others */
};

struct shared_memory;

struct shared_memory *shared_memory__new(void);
struct shared_memory *shared_memory__clone(const struct shared_memory *set);
void shared_memory__free(struct shared_memory *set);

/*
 * What the mapping shows, as far as it can outlive its process. *object gets a name of its own, to
 * be freed. Returns 0, -ENOENT when it is no shared memory, or -ENOMEM.
 */
int shared_memory__classify(const struct mapping *map, enum memory_filesystem filesystem,
			    struct shared_object *object);

/*
 * Notes an object and takes its name over, in any case. One that is known already changes nothing.
 * When there is no room the oldest is forgotten. Returns 0 or -ENOMEM.
 */
int shared_memory__add(struct shared_memory *set, struct shared_object *object);

/* Is what the mapping shows known already? Spares the caller to ask where it lies. */
bool shared_memory__has(const struct shared_memory *set, const struct mapping *map);

size_t shared_memory__nr(const struct shared_memory *set); /* 0 for NULL */
const struct shared_object *shared_memory__get(const struct shared_memory *set, size_t index);
/* Objects were forgotten, or could not be noted. False for NULL. */
bool shared_memory__is_incomplete(const struct shared_memory *set);
void shared_memory__set_incomplete(struct shared_memory *set);

#endif
