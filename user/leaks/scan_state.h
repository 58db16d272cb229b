/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the scan of a paused process leaves for the classification. leak_scan.c fills it,
 * leak_classify.c uses it up.
 */
#ifndef SCAN_STATE_H
#define SCAN_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "leaks/leak_scan.h"
#include "leaks/pointer_log.h"
#include "leaks/process_areas.h"

struct leak_scan {
	pid_t tid; /* a thread with memory, for reading it */
	uint64_t paused_ns;
	struct process_areas areas;
	struct pointer_log log;
	struct range_list ended; /* stacks of ended threads: pointers in there don't count */
	struct chunk_list old_chunks; /* after a late attach: in use, but no known block's */
	struct leak_block *inherited; /* those that the process still held at the pause; sorted */
	size_t nr_inherited;
	bool classified; /* the log was used up */
	/* For the result. */
	unsigned int limits; /* enum leak_limit */
	uint64_t scanned_bytes;
	bool has_arenas;
	uint64_t unknown_bytes, unknown_chunks, free_bytes;
};

#endif
