/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Names the shared memory that outlives a process. It is found at the end of the process, from what
 * that mapped (shared_memory.h) and from what the system has then.
 */
#ifndef SHM_SURVIVORS_H
#define SHM_SURVIVORS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "stays/kept.h"
#include "stays/shared_memory.h"

struct shm_survivors;

struct shm_survivors *shm_survivors__new(void);
void shm_survivors__free(struct shm_survivors *survivors);

/* Notes a new shared mapping of that process in *mapped, if its object can outlive the process. */
void shm_survivors__note(struct shm_survivors *survivors, struct shared_memory *mapped, pid_t tgid,
			 const struct mapping *map);

/* Does the same for everything that a running process has mapped. */
void shm_survivors__note_running(struct shm_survivors *survivors, struct shared_memory *mapped,
				 pid_t tgid);

/* Mappings of any process may have gone unseen up to that time (CLOCK_MONOTONIC). */
void shm_survivors__lost(struct shm_survivors *survivors, uint64_t time_ns);

/*
 * After such a loss, notes the mappings that exist now and were missed. Call it now and then;
 * mostly it has nothing to do. find returns where to note what that process maps, or NULL when the
 * process is of no interest.
 */
void shm_survivors__catch_up(struct shm_survivors *survivors,
			     struct shared_memory *(*find)(pid_t tgid, void *context),
			     void *context);

/* A program that has ended, or that an exec replaced by another. Times are CLOCK_MONOTONIC. */
struct shm_user {
	pid_t tgid;
	bool lives_on; /* the process runs on, with another program: what it holds counts */
	uint64_t began_ns; /* segments that it made since then are its own */
	uint64_t watched_ns; /* since when its mappings were recorded */
	uint64_t ended_ns;
	const struct shared_memory *mapped; /* NULL: nothing */
};

/* Fills kept, nr_kept and shmem_bytes of *stays, to be freed by shm_survivors__free_stays. */
void shm_survivors__tell(struct shm_survivors *survivors, const struct shm_user *user,
			 struct report_stays *stays);
void shm_survivors__free_stays(struct report_stays *stays);

#endif
