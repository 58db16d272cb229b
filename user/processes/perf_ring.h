/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One ring of perf records that wakes its reader at each record, for a reader that must answer at
 * once. (kernel_records.c, which must miss nothing and may be late, has its own kind of rings.)
 */
#ifndef PERF_RING_H
#define PERF_RING_H

#include <linux/perf_event.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/mapping.h"

/* Room for a mapping's record with the longest path. */
#define PERF_RECORD_MAX_BYTES 8192

struct perf_ring {
	int fd;
	size_t data_bytes;
	struct perf_event_mmap_page *page;
};

union perf_record {
	struct perf_event_header header;
	char bytes[PERF_RECORD_MAX_BYTES + 1];
};

/* A dummy event; the caller adds the wanted records. Each record ends with the thread's ids. */
struct perf_event_attr perf_ring__attributes(void);

/* Opens the event of a thread (pid) or of all (-1) on one CPU, with a ring. Returns 0 or -errno. */
int perf_ring__open(struct perf_ring *ring, struct perf_event_attr *attributes, pid_t pid, int cpu,
		    size_t nr_pages);
void perf_ring__close(struct perf_ring *ring);

/* Opens an event that writes into a ring of the same CPU. Returns a descriptor or -errno. */
int perf_ring__join(const struct perf_ring *ring, struct perf_event_attr *attributes, pid_t pid,
		    int cpu);

/*
 * Takes the next record out of the ring; an invalid record becomes PERF_RECORD_LOST. Returns its
 * type, or 0 when none is waiting.
 */
uint32_t perf_ring__take(struct perf_ring *ring, union perf_record *record);

/* The process that a PERF_RECORD_COMM or PERF_RECORD_MMAP2 is about. */
pid_t perf_record__tgid(const union perf_record *record);
/* Reads a PERF_RECORD_MMAP2; map's path lives as long as the record. Returns 0 or -EINVAL. */
int perf_record__mapping(const union perf_record *record, struct mapping *map);

#endif
