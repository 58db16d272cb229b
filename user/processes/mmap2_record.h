/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's record of a mapping: PERF_RECORD_MMAP2 of perf_event_open(2). */
#ifndef MMAP2_RECORD_H
#define MMAP2_RECORD_H

#include <linux/perf_event.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mapping.h"

/* sample_id_all appends its fields after the path. */
struct mmap2_record {
	struct perf_event_header header;
	uint32_t tgid, tid;
	uint64_t address, bytes, file_offset;
	uint32_t major, minor;
	uint64_t inode, generation;
	uint32_t protection, flags;
	char path[];
};

/*
 * Fills *map; its path points into the record, and lives as long. size_bytes: the record's size
 * without the appended sample id. The path ends with a NUL inside the record, or directly after the
 * sample id. Returns 0, or -EINVAL when there is no path, or a build id in place of device and
 * inode.
 */
int mmap2_record__read(const struct mmap2_record *record, size_t size_bytes, struct mapping *map);

#endif
