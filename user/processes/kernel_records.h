/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's own records of mappings, execs, forks and exits, system-wide and as they happen,
 * from a dummy perf event on each CPU. Each reader gets them in the order of time.
 */
#ifndef KERNEL_RECORDS_H
#define KERNEL_RECORDS_H

#include <stdint.h>
#include <sys/types.h>

#include "base/mapping.h"

struct kernel_record_handlers {
	/*
	 * An executable mapping of a file appeared. map and its path live until the call returns.
	 */
	void (*mapped)(pid_t tgid, uint64_t time_ns, const struct mapping *map, void *context);
	/* An exec: a new program took over the process; its mappings follow. */
	void (*execed)(pid_t tgid, uint64_t time_ns, const char *comm, void *context);
	/* A process (not a thread) was forked. */
	void (*forked)(pid_t tgid, pid_t parent, uint64_t time_ns, void *context);
	/* A MAP_SHARED mapping appeared, of any kind of file. NULL: not wanted. */
	void (*shared_mapped)(pid_t tgid, uint64_t time_ns, const struct mapping *map,
			      void *context);
	/*
	 * Records of MAP_SHARED mappings, of any process, were lost up to that time. NULL: not
	 * wanted.
	 */
	void (*shared_lost)(uint64_t time_ns, void *context);
	/*
	 * Called before each record with its time: all records of earlier times were passed on.
	 * NULL: not wanted.
	 */
	void (*reached)(uint64_t time_ns, void *context);
	void *context;
};

struct kernel_records;

/* Starts recording on all CPUs. Times are CLOCK_MONOTONIC. NULL and errno on failure. */
struct kernel_records *kernel_records__new(const struct kernel_record_handlers *handlers);
void kernel_records__free(struct kernel_records *records);

/* Readable when records are waiting. */
int kernel_records__fd(const struct kernel_records *records);

/* Passes every record from before this call to the handlers. Returns 0 or -errno. */
int kernel_records__drain(struct kernel_records *records);

/*
 * The number of records lost because they were not read in time, or for lack of memory. Records
 * that shared_lost reports are not counted.
 */
uint64_t kernel_records__lost(const struct kernel_records *records);

#endif
