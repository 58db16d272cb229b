/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The shared memory that one program mapped: objects that can outlive it, each once, by device and
 * inode. Pure data. shm_survivors.h finds out at the end whether an object is still there. System V
 * segments and memfds lie on one device. The inode number of a segment is its identifier, that of a
 * memfd comes from a counter: a number alone does not tell one from the other.
 */
#ifndef SHARED_MEMORY_H
#define SHARED_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mapping.h"

/* The file system of a mapped file; the last two are mounts that only the kernel sees. */
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
	SHARED_DRIVER, /* of a driver, such as one for graphics */
};

struct shared_object {
	enum shared_kind kind;
	bool huge; /* of huge pages */
	bool had_no_name; /* SHARED_FILE: the file was deleted when it was mapped */
	bool elsewhere; /* SHARED_SYSV: of another IPC namespace than ours */
	struct file_key file; /* SHARED_SYSV: its inode is the segment's identifier */
	uint32_t key; /* SHARED_SYSV */
	char *name; /* the path of a file, the name of a memfd; "" for the others */
};

struct shared_memory;

struct shared_memory *shared_memory__new(void);
struct shared_memory *shared_memory__clone(const struct shared_memory *set);
void shared_memory__free(struct shared_memory *set);

/*
 * Fills *object with what the mapping shows, if that can outlive its process. *object gets a name
 * of its own, which the caller frees. Returns 0, -ENOENT when it is not shared memory, or -ENOMEM.
 */
int shared_memory__classify(const struct mapping *map, enum memory_filesystem filesystem,
			    struct shared_object *object);

/*
 * Notes an object and takes its name over, also on failure. An object that is known already changes
 * nothing. When there is no room the oldest object is forgotten. Returns 0 or -ENOMEM.
 */
int shared_memory__add(struct shared_memory *set, struct shared_object *object);

/* Is the mapping's object known already? Then the caller need not ask for its file system. */
bool shared_memory__has(const struct shared_memory *set, const struct mapping *map);

size_t shared_memory__nr(const struct shared_memory *set); /* 0 for NULL */
const struct shared_object *shared_memory__get(const struct shared_memory *set, size_t index);
/* Objects were forgotten, or could not be noted. False for NULL. */
bool shared_memory__is_incomplete(const struct shared_memory *set);
void shared_memory__set_incomplete(struct shared_memory *set);

#endif
