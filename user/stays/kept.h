/* SPDX-License-Identifier: GPL-2.0 */
/* The memory of a process that stays after its end, as plain data. */
#ifndef KEPT_H
#define KEPT_H

#include <stddef.h>

#include "base/figure.h"

/* A piece of shared memory that outlives the process, by name. Strings are the report's own. */
struct report_kept {
	const char *kind; /* such as "System V shared memory" */
	const char *name; /* such as "shmid 5, key 0x1234" or "/dev/shm/x" */
	const char *why; /* what keeps it: "until it is removed", "PID 4711 maps it"; or NULL */
	figure bytes; /* that the piece takes up now */
};

struct report_stays {
	figure page_cache_bytes;
	figure shared_bytes; /* anonymous memory that a living relative still maps */
	figure shmem_bytes; /* the sum of kept */
	const struct report_kept *kept;
	size_t nr_kept;
};

#endif
