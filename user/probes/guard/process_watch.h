/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reports at once when a program begins anywhere on the system, and when a followed process maps
 * something. Each CPU has a ring with the records of events on that CPU. (kernel_records.c receives
 * such records too, but wakes its reader only now and then.)
 */
#ifndef PROCESS_WATCH_H
#define PROCESS_WATCH_H

#include <stddef.h>
#include <sys/types.h>

#include "base/mapping.h"
#include "processes/perf_ring.h"

enum watch_event {
	WATCH_NOTHING, /* no record is waiting */
	WATCH_EXECED, /* an exec; the kernel may still be setting the program up */
	WATCH_MAPPED, /* a new mapping, or a change of protection */
	WATCH_LOST, /* the kernel dropped records */
	WATCH_OTHER,
};

struct process_watch;

/*
 * Begins to report new programs. There is no free: it ends with the calling process. NULL and errno
 * on failure.
 */
struct process_watch *process_watch__new(void);

/*
 * The rings. Each descriptor is readable when a record is waiting. Only one thread at a time may
 * take records from a ring.
 */
size_t process_watch__nr_rings(const struct process_watch *watch);
int process_watch__fd(const struct process_watch *watch, size_t ring);
int process_watch__cpu(const struct process_watch *watch, size_t ring);
/* Takes one record. *map, set for WATCH_MAPPED, lives as long as record. */
enum watch_event process_watch__take(struct process_watch *watch, size_t ring,
				     union perf_record *record, struct mapping *map);

/* The perf events of one followed process. */
struct map_records {
	int *fds;
	size_t nr_fds, capacity;
};

/*
 * Follows the process until it calls exec: all its threads, and the children that it forks, until
 * they call exec (before Linux 5.13 also after that). All kinds of mappings are reported, since a
 * translator need not make executable the code that it translates. May wait for an exec that is
 * under way. Any thread may call this. Returns 0 or -errno.
 */
int process_watch__follow(const struct process_watch *watch, pid_t tgid,
			  struct map_records *records);
void map_records__close(struct map_records *records);

#endif
