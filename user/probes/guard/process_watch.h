/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tells at once when a program begins, anywhere on the system, and when one of the processes that
 * are followed maps something. There is one ring of records for each CPU; it holds those of what
 * happened there. (kernel_records.c hears of that too, but wakes its reader only now and then.)
 */
#ifndef PROCESS_WATCH_H
#define PROCESS_WATCH_H

#include <stddef.h>
#include <sys/types.h>

#include "base/mapping.h"
#include "processes/perf_ring.h"

enum watch_event {
	WATCH_NOTHING, /* no record waits */
	WATCH_EXECED, /* a new program took over the process; the kernel may still be setting it up */
	WATCH_MAPPED, /* a mapping came, or the protection of one changed */
	WATCH_LOST, /* the kernel dropped records */
	WATCH_OTHER,
};

struct process_watch;

/* Begins to tell of programs that begin. NULL and errno. */
struct process_watch *process_watch__new(void);
void process_watch__free(struct process_watch *watch);

/* The rings; each descriptor is readable when a record waits. One thread at a time takes of a ring.
 */
size_t process_watch__nr_rings(const struct process_watch *watch);
int process_watch__fd(const struct process_watch *watch, size_t ring);
int process_watch__cpu(const struct process_watch *watch, size_t ring);
/* Takes one record; *map, for WATCH_MAPPED, lives as long as record. */
enum watch_event process_watch__take(struct process_watch *watch, size_t ring,
				     union perf_record *record, struct mapping *map);

/* The events of one process. */
struct map_records {
	int *fds;
	size_t nr_fds;
};

/*
 * Follows the process until it calls exec: any of its threads, and what it forks, until that calls
 * exec (before Linux 5.13: also after it). All kinds of mappings are told of: a translator need not
 * make executable what it translates. May wait for an exec that is under way. By any thread.
 * Returns 0 or -errno.
 */
int process_watch__follow(const struct process_watch *watch, pid_t tgid,
			  struct map_records *records);
void map_records__close(struct map_records *records);

#endif
