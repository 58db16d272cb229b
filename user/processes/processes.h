/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The processes that reports may speak of, and the programs (images) that each one ran: exec gives
 * a process a new set of mappings, while the old memory's report may still be due; a reused PID
 * gives a new image too.
 */
#ifndef PROCESSES_H
#define PROCESSES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/mapping.h"
#include "names/perf_map_file.h"
#include "stays/shared_memory.h"

struct image {
	uint64_t since_ns; /* CLOCK_MONOTONIC; 0: it ran before we came */
	struct mapping_set *mappings;
	struct perf_map_file *code; /* names of code made at run time; NULL: it has made none */
	bool code_is_parents; /* from before the fork */
	struct shared_memory *shared; /* what it mapped of it; NULL: nothing was noted */
	char *exe; /* NULL: unknown */
	pid_t relative; /* forked from it, or it from that, before we came; 0: nobody */
	char *cgroup; /* path in the hierarchy; NULL when it was not to be had */
	char comm[16];
	struct image *older;
};

struct processes;

struct processes *processes__new(void);
void processes__free(struct processes *processes);

/*
 * Begins to follow a running process: reads its mappings, executable and cgroup from /proc. Returns
 * 0, -ESRCH when it does not exist, or -errno.
 */
int processes__add(struct processes *processes, pid_t tgid);
void processes__forget(struct processes *processes, pid_t tgid);
/*
 * Notes which process shares pages with the program that this one runs now, by a fork before we
 * came.
 */
void processes__set_relative(struct processes *processes, pid_t tgid, pid_t relative);

/*
 * Take what the kernel's records say. Records of processes that are not followed are ignored, and
 * so are those of before processes__add, which knew already. The child of a process that is
 * followed is followed.
 */
int processes__mapped(struct processes *processes, pid_t tgid, uint64_t time_ns,
		      const struct mapping *map);
int processes__execed(struct processes *processes, pid_t tgid, uint64_t time_ns, const char *comm);
int processes__forked(struct processes *processes, pid_t tgid, pid_t parent, uint64_t time_ns);

/*
 * The report on the memory that was first seen at that time is done: its image can go, and those
 * before it. (A vfork child's first image has no memory of its own to report on.)
 */
void processes__reported(struct processes *processes, pid_t tgid, uint64_t time_ns);

/*
 * Not every process gets a report of its own: a vfork child that ends without exec doesn't. So that
 * none stays for ever, first find_gone notes which are not there any more, and returns how many;
 * then the caller looks at the kernel's records of before that and at what is still to be reported;
 * then forget_gone forgets all of these that is_needed says no to.
 */
size_t processes__find_gone(struct processes *processes);
void processes__forget_gone(struct processes *processes,
			    bool (*is_needed)(pid_t tgid, void *context), void *context);

/*
 * Where to note what shared memory the process maps now; NULL for one that is not followed, or when
 * there is no memory.
 */
struct shared_memory *processes__shared(struct processes *processes, pid_t tgid);

/* The program that ran in the process at that time, or NULL. */
const struct image *processes__image(const struct processes *processes, pid_t tgid,
				     uint64_t time_ns);
/* The program that took over after that time, or NULL. */
const struct image *processes__next_image(const struct processes *processes, pid_t tgid,
					  uint64_t time_ns);

/* Calls visit for each process with the program that it runs now, in no order. */
void processes__each(const struct processes *processes,
		     void (*visit)(pid_t tgid, const struct image *newest, void *context),
		     void *context);

#endif
