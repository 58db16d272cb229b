/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What shared memory outlives a process, by name: told at its end from what it mapped
 * (shared_memory.h) and from what the system has then.
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

/* A shared mapping of that process came; what it shows is noted in *mapped, if it can outlive it. */
void shm_survivors__note(struct shm_survivors *survivors, struct shared_memory *mapped, pid_t tgid,
			 const struct mapping *map);

/* The same for all that a running process has mapped. */
void shm_survivors__note_running(struct shm_survivors *survivors, struct shared_memory *mapped,
				 pid_t tgid);

/* Mappings of whatever process went unseen up to that time (CLOCK_MONOTONIC). */
void shm_survivors__lost(struct shm_survivors *survivors, uint64_t time_ns);

/*
 * After such a loss, notes what was missed of all that is mapped now; to be called now and then, it
 * mostly has nothing to do. find: where to note what that process maps, NULL when it is of no
 * interest.
 */
void shm_survivors__catch_up(struct shm_survivors *survivors,
			     struct shared_memory *(*find)(pid_t tgid, void *context),
			     void *context);

/* A program that has ended, or gave way to another. Times are CLOCK_MONOTONIC. */
struct shm_user {
	pid_t tgid;
	bool lives_on; /* the process does, with another program: what it holds counts */
	uint64_t began_ns; /* segments that it made since then are its own */
	uint64_t watched_ns; /* since when its mappings were recorded */
	uint64_t ended_ns;
	const struct shared_memory *mapped; /* NULL: nothing */
};

/* Fills kept, nr_kept and shmem_bytes of *stays, to be freed by the second verb. */
void shm_survivors__tell(struct shm_survivors *survivors, const struct shm_user *user,
			 struct report_stays *stays);
void shm_survivors__free_stays(struct report_stays *stays);

#endif
