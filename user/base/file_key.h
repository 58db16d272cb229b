/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A file as the kernel knows it. A path isn't part of that: it can pass to another file. The key is
 * no proof on btrfs, where each subvolume counts its inodes by itself, and stat(2) and a mapping
 * may show different numbers for one file of overlayfs or btrfs.
 */
#ifndef FILE_KEY_H
#define FILE_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define FILE_KEY_MINOR_BITS 20 /* MINORBITS in linux/kdev_t.h */

struct file_key {
	uint64_t inode; /* 0: no file */
	uint64_t generation; /* of the inode: tells files that reuse its number apart; 0: unknown */
	uint32_t dev_major, dev_minor; /* as the kernel shows them in /proc/PID/maps */
};

/* As stat shows it; the generation is unknown. */
static inline struct file_key file_key__of_stat(const struct stat *status)
{
	return (struct file_key){ .inode = status->st_ino,
				  .dev_major = major(status->st_dev),
				  .dev_minor = minor(status->st_dev) };
}

/* From a record of BPF, where device is the kernel's dev_t. */
static inline struct file_key file_key__of_device(uint32_t device, uint64_t inode)
{
	return (struct file_key){ .inode = inode,
				  .dev_major = device >> FILE_KEY_MINOR_BITS,
				  .dev_minor = device & ((1U << FILE_KEY_MINOR_BITS) - 1) };
}

/* The device as records of BPF have it. */
static inline uint32_t file_key__device(const struct file_key *key)
{
	return key->dev_major << FILE_KEY_MINOR_BITS | key->dev_minor;
}

/* The same device and inode number, whatever the generations. */
static inline bool file_key__same_numbers(const struct file_key *a, const struct file_key *b)
{
	return a->inode == b->inode && a->dev_major == b->dev_major && a->dev_minor == b->dev_minor;
}

/* The same file, as far as is known: a generation that is unknown agrees with any. */
static inline bool file_key__agrees(const struct file_key *a, const struct file_key *b)
{
	return file_key__same_numbers(a, b) &&
	       (!a->generation || !b->generation || a->generation == b->generation);
}

/* Where to begin looking for a file in a hash table; capacity is a power of two. */
static inline size_t file_key__slot(uint64_t inode, size_t capacity)
{
	return (inode * 0x9e3779b97f4a7c15 >> 32) & (capacity - 1);
}

#endif
