/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The mounts of one mount namespace, from a text of /proc/PID/mountinfo: which devices are file
 * systems whose files are memory, and where those are mounted. Pure data.
 */
#ifndef MOUNT_TABLE_H
#define MOUNT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "stays/shared_memory.h"

struct mount_table;

/* Lines that don't parse are skipped. NULL and errno on failure. */
struct mount_table *mount_table__read(FILE *mountinfo);
void mount_table__free(struct mount_table *table);

/* False when the device is not mounted here. */
bool mount_table__filesystem(const struct mount_table *table, uint32_t dev_major,
			     uint32_t dev_minor, enum memory_filesystem *filesystem);

/*
 * The path of the n-th mount of a memory file system's device, NULL when there are fewer. The paths
 * of other file systems' mounts are not kept.
 */
const char *mount_table__point(const struct mount_table *table, uint32_t dev_major,
			       uint32_t dev_minor, size_t n);

#endif
