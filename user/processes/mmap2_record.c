// SPDX-License-Identifier: GPL-2.0
/* See mmap2_record.h. Used by kernel_records.c, and by perf_ring.c for the guard. */
#include "processes/mmap2_record.h"

#include <errno.h>

int mmap2_record__read(const struct mmap2_record *record, size_t size_bytes, struct mapping *map)
{
	/* No build id is asked for. A record with one has no device and inode in those fields. */
	if (size_bytes <= sizeof(*record) || record->header.misc & PERF_RECORD_MISC_MMAP_BUILD_ID)
		return -EINVAL;
	*map = (struct mapping){
		.start = record->address,
		.end = record->address + record->bytes,
		.file_offset = record->file_offset,
		.file = { .inode = record->inode,
			  .generation = record->generation,
			  .dev_major = record->major,
			  .dev_minor = record->minor },
		.path = (char *)record->path,
	};
	return 0;
}
