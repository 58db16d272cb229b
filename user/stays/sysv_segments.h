/* SPDX-License-Identifier: GPL-2.0 */
/* The System V shared memory segments of one IPC namespace: /proc/sysvipc/shm as plain data. */
#ifndef SYSV_SEGMENTS_H
#define SYSV_SEGMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct sysv_segment {
	uint32_t key; /* 0: IPC_PRIVATE */
	uint32_t id;
	bool removed; /* it goes with its last attachment */
	pid_t creator; /* 0: of another PID namespace */
	uint64_t nr_attached;
	int64_t changed_s; /* created, or its owner changed: CLOCK_REALTIME, seconds */
	uint64_t bytes; /* that it takes up, in memory and in swap */
};

/*
 * Reads all segments into an array to be freed, by identifier. Lines that don't parse are skipped.
 * Returns 0, -ENOMEM, -EIO, or -ENOSPC when there are more than 65,536.
 */
int sysv_segments__read(FILE *file, struct sysv_segment **segments, size_t *nr);

/* NULL: there is none. */
const struct sysv_segment *sysv_segments__find(const struct sysv_segment *segments, size_t nr,
					       uint32_t id);

#endif
