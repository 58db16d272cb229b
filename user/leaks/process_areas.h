/* SPDX-License-Identifier: GPL-2.0 */
/* The mappings of a process, as /proc/PID/maps tells them: what kind of memory each one is. */
#ifndef PROCESS_AREAS_H
#define PROCESS_AREAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

enum area_kind {
	AREA_ANONYMOUS, /* of no file, named ([anon:…]) or not */
	AREA_HEAP, /* [heap], grown by brk */
	AREA_STACK, /* [stack], of the first thread */
	AREA_FILE,
	AREA_SHARED_MEMORY, /* shared and of no file on disk: /dev/zero, memfd, SysV, /dev/shm */
	AREA_DEVICE, /* other files in /dev: reading these may do something */
	AREA_KERNEL, /* [vdso], [vvar], [vsyscall] */
};

struct area {
	uint64_t start, end; /* [start, end) */
	uint64_t offset; /* in the file */
	dev_t device; /* of the file's file system, as in struct stat */
	enum area_kind kind;
	bool readable, writable, executable, shared;
};

struct process_areas {
	struct area *list; /* by address; never overlapping */
	size_t nr, capacity;
};

/*
 * Reads a /proc/PID/maps text. Lines that don't parse, or that are out of order, are skipped. At
 * most 1,048,576 are kept. Returns 0, -ENOMEM, -E2BIG or -EIO. process_areas__free releases them.
 */
int process_areas__read(struct process_areas *areas, FILE *maps);
/* The same of a thread: -ESRCH when it has ended, or has no memory any more; or -errno. */
int process_areas__read_of(struct process_areas *areas, pid_t tid);
void process_areas__free(struct process_areas *areas);

/* The area that the address lies in, or NULL. */
const struct area *process_areas__find(const struct process_areas *areas, uint64_t address);

#endif
