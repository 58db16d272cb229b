// SPDX-License-Identifier: GPL-2.0
/* See perf_ring.h. The format is that of perf_event_open(2). */
#include "processes/perf_ring.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "processes/mmap2_record.h"

/* sample_id_all appends this to every record (PERF_SAMPLE_TID). */
struct sample_id {
	uint32_t tgid, tid;
};

#define MIN_RECORD_BYTES (sizeof(struct perf_event_header) + sizeof(struct sample_id))

static size_t page_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* A watermark of one byte wakes the reader at each record; wakeup_events counts samples only. */
struct perf_event_attr perf_ring__attributes(void)
{
	return (struct perf_event_attr){
		.size = sizeof(struct perf_event_attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_DUMMY,
		.sample_type = PERF_SAMPLE_TID,
		.sample_id_all = 1,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
		.watermark = 1,
		.wakeup_watermark = 1,
	};
}

/* Before Linux 5.13, an event can't end at an exec: the next program is recorded too. */
static int open_event(struct perf_event_attr *attributes, pid_t pid, int cpu)
{
	int fd = (int)syscall(SYS_perf_event_open, attributes, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0 && errno == EINVAL && attributes->remove_on_exec) {
		attributes->remove_on_exec = 0;
		return open_event(attributes, pid, cpu);
	}
	return fd < 0 ? -errno : fd;
}

int perf_ring__open(struct perf_ring *ring, struct perf_event_attr *attributes, pid_t pid, int cpu,
		    size_t nr_pages)
{
	int err;

	ring->data_bytes = nr_pages * page_bytes();
	ring->fd = open_event(attributes, pid, cpu);
	if (ring->fd < 0)
		return ring->fd;
	ring->page = mmap(NULL, page_bytes() + ring->data_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
			  ring->fd, 0);
	if (ring->page != MAP_FAILED)
		return 0;
	err = -errno;
	close(ring->fd);
	return err;
}

void perf_ring__close(struct perf_ring *ring)
{
	munmap(ring->page, page_bytes() + ring->data_bytes);
	close(ring->fd);
}

int perf_ring__join(const struct perf_ring *ring, struct perf_event_attr *attributes, pid_t pid,
		    int cpu)
{
	int fd = open_event(attributes, pid, cpu), err;

	if (fd < 0 || !ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, ring->fd))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

uint32_t perf_ring__take(struct perf_ring *ring, union perf_record *record)
{
	const char *data = (const char *)ring->page + page_bytes();
	uint64_t head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
	uint64_t tail = ring->page->data_tail;
	size_t at = tail % ring->data_bytes, first = ring->data_bytes - at, size;
	bool whole;

	if (tail == head)
		return 0;
	size = ((const struct perf_event_header *)(data + at))->size; /* 8-byte aligned */
	whole = size >= MIN_RECORD_BYTES && size <= PERF_RECORD_MAX_BYTES && size <= head - tail;
	if (whole) {
		if (first > size)
			first = size;
		memcpy(record->bytes, data + at, first);
		memcpy(record->bytes + first, data, size - first);
		record->bytes[size] = '\0';
	} else {
		record->header = (struct perf_event_header){ .type = PERF_RECORD_LOST };
	}
	/* After an invalid record, the next one can't be found: skip all of them. */
	__atomic_store_n(&ring->page->data_tail, whole ? tail + size : head, __ATOMIC_RELEASE);
	return record->header.type;
}

pid_t perf_record__tgid(const union perf_record *record)
{
	/* PERF_RECORD_COMM begins with the same fields. */
	const struct mmap2_record *mapping = (const void *)record;

	return (pid_t)mapping->tgid;
}

int perf_record__mapping(const union perf_record *record, struct mapping *map)
{
	size_t size_bytes = record->header.size - sizeof(struct sample_id);

	return mmap2_record__read((const void *)record, size_bytes, map);
}
