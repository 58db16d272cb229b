/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Decides the fate of a piece of shared memory whose user has ended, and finds the words for it.
 * Pure functions over the facts that shm_survivors.c found out.
 */
#ifndef SHM_FATE_H
#define SHM_FATE_H

#include <stdbool.h>
#include <sys/types.h>

#include "stays/holders.h"
#include "stays/kept.h"
#include "stays/shared_memory.h"
#include "stays/sysv_segments.h"

enum fate { FATE_UNKNOWN, FATE_GONE, FATE_STAYS };

/* The facts known of one object when its user has ended. */
struct shm_facts {
	bool segments_known; /* the System V segments were listed */
	const struct sysv_segment *segment; /* the object's; NULL: it is not among them */
	bool removed_when_unused; /* kernel.shm_rmid_forced */

	bool place_known; /* its file system is mounted here, and was looked at */
	const char *path; /* of the file; NULL: it is not there */
	uint64_t file_bytes;

	bool holders_known;
	struct holding holding;
};

/* Does the decision depend on who holds the object? If not, the holders may stay unknown. */
bool shm_fate__needs_holders(const struct shared_object *object, const struct shm_facts *facts);

/*
 * When the object stays, fills *kept, whose strings the caller frees by shm_fate__free. Returns 0
 * or -ENOMEM.
 */
int shm_fate__decide(const struct shared_object *object, const struct shm_facts *facts,
		     enum fate *fate, struct report_kept *kept);

/* Did the process make that segment? since_s: when the process or its program began. */
bool shm_fate__created(const struct sysv_segment *segment, pid_t tgid, int64_t since_s);

void shm_fate__free(struct report_kept *kept);

#endif
