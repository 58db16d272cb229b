/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The processes that reports may mention, and the programs (images) that each of them ran. An exec
 * gives a process a new set of mappings, while the report on the old memory may still be due. A
 * reused PID also gets a new image.
 */
#ifndef PROCESSES_H
#define PROCESSES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/mapping.h"
#include "names/perf_map_file.h"
#include "processes/image_holds.h"
#include "stays/shared_memory.h"

struct image {
	uint64_t since_ns; /* CLOCK_MONOTONIC, when it began; 0: before we came */
	struct mapping_set *mappings;
	struct perf_map_file *code; /* names of code made at run time; NULL: it made none */
	bool code_is_parents; /* code is the parent's, from before the fork */
	struct shared_memory *shared; /* the shared memory that it mapped; NULL: none was noted */
	struct image_holds holds;
	char *exe; /* NULL: unknown */
	pid_t relative; /* parent or child by a fork before we came; 0: none */
	char *cgroup; /* path in the hierarchy; NULL: not known */
	char comm[16];
	struct image *older;
};

struct processes;

struct processes *processes__new(void);
void processes__free(struct processes *processes);

/*
 * Begins to follow a running process: reads its mappings, executable and cgroup from /proc. Returns
 * 0, -ESRCH when the process does not exist, or -errno.
 */
int processes__add(struct processes *processes, pid_t tgid);
void processes__forget(struct processes *processes, pid_t tgid);
/* Notes the process that shares pages with this one's present program, by a fork before we came. */
void processes__set_relative(struct processes *processes, pid_t tgid, pid_t relative);

/*
 * Apply the kernel's records. Records of processes that are not followed are ignored. So are
 * records from before processes__add, which has read their effects already. A child of a followed
 * process is followed too.
 */
int processes__mapped(struct processes *processes, pid_t tgid, uint64_t time_ns,
		      const struct mapping *map);
int processes__execed(struct processes *processes, pid_t tgid, uint64_t time_ns, const char *comm);
int processes__forked(struct processes *processes, pid_t tgid, pid_t parent, uint64_t time_ns);

/*
 * Call when the report is done on the memory that was first seen at that time: its image and all
 * older ones can go. (A vfork child's first image has no memory of its own to report on.)
 */
void processes__reported(struct processes *processes, pid_t tgid, uint64_t time_ns);

/*
 * Some processes get no report of their own: a vfork child that ends without exec, for example. So
 * that none stays for ever, call in this order: find_gone notes the processes that have ended, and
 * returns their number; then the caller reads the kernel's records up to that time, and finds the
 * reports still due; then sweep_gone forgets each noted process for which is_needed returns false.
 */
size_t processes__find_gone(struct processes *processes);
void processes__sweep_gone(struct processes *processes,
			   bool (*is_needed)(pid_t tgid, void *context), void *context);

/*
 * The shared memory that the process maps now, to be added to; NULL for a process that is not
 * followed, or when memory has run out.
 */
struct shared_memory *processes__shared(struct processes *processes, pid_t tgid);

/* The holds of the program that ran in the process at that time, to be added to; or NULL. */
struct image_holds *processes__holds(const struct processes *processes, pid_t tgid,
				     uint64_t time_ns);

/* The program that ran in the process at that time, or NULL. */
const struct image *processes__image(const struct processes *processes, pid_t tgid,
				     uint64_t time_ns);
/* The program that took over next after that time, or NULL. */
const struct image *processes__next_image(const struct processes *processes, pid_t tgid,
					  uint64_t time_ns);

/* Calls visit for each process and its present program, in no particular order. */
void processes__each(const struct processes *processes,
		     void (*visit)(pid_t tgid, const struct image *newest, void *context),
		     void *context);

#endif
