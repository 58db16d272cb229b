/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One ring of perf records whose reader is woken by each of them, for a reader that must answer at
 * once. (kernel_records.c, which must not miss anything and may be late, has rings of its own
 * kind.)
 */
#ifndef PERF_RING_H
#define PERF_RING_H

#include <linux/perf_event.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/mapping.h"

/* A mapping's record with the longest path, and room. */
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

/* A dummy event; set what it is to record. Records end with the ids of the thread. */
struct perf_event_attr perf_ring__attributes(void);

/* The event of a thread (pid) or of all (-1) on one CPU, with a ring. Returns 0 or -errno. */
int perf_ring__open(struct perf_ring *ring, struct perf_event_attr *attributes, pid_t pid, int cpu,
		    size_t nr_pages);
void perf_ring__close(struct perf_ring *ring);

/* Opens an event that writes into a ring of the same CPU. Returns a descriptor or -errno. */
int perf_ring__join(const struct perf_ring *ring, struct perf_event_attr *attributes, pid_t pid,
		    int cpu);

/*
 * Takes the next record out of the ring; a record that can't be becomes PERF_RECORD_LOST. Returns
 * its type, or 0 when none waits.
 */
uint32_t perf_ring__take(struct perf_ring *ring, union perf_record *record);

/* The process that a PERF_RECORD_COMM or PERF_RECORD_MMAP2 is about. */
pid_t perf_record__tgid(const union perf_record *record);
/* Reads a PERF_RECORD_MMAP2; the path lives as long as the record. Returns 0 or -EINVAL. */
int perf_record__mapping(const union perf_record *record, struct mapping *map);

#endif
