// SPDX-License-Identifier: GPL-2.0
/*
 * See kernel_records.h. Each CPU has its own ring, and a process moves between CPUs, so records are
 * gathered from all rings and sorted by time. Records younger than the start of the gathering wait
 * for the next one, since an older record could still be written to a ring that was read already.
 * The format is that of perf_event_open(2).
 *
 * Each CPU has a second ring for mappings that are not executable. Most mappings of any program are
 * private memory. Their records are skipped in place, and a flood of them can't push records out of
 * the first ring.
 */
#include "processes/kernel_records.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "processes/mmap2_record.h"

#define RING_PAGES 256
#define MIN_RING_PAGES 8
/* The rings are smaller on systems with many CPUs. */
#define ALL_RING_BYTES (256UL << 20)
/* The second rings may be larger if there is room: 16 MiB for all CPUs. */
#define MAX_DATA_RING_PAGES 512
#define ALL_DATA_RING_BYTES (16UL << 20)
/* A mapping's record; its path is shorter than PATH_MAX. */
#define MAX_RECORD_BYTES 8192
#define MAX_CPUS 8192
#define RINGS_OF_A_CPU 2
#define MAX_PENDING_RECORDS (1U << 20)

struct ring {
	int fd;
	struct perf_event_mmap_page *page;
	size_t data_bytes; /* after the first page; a power of two */
	bool data; /* the second ring: only its MAP_SHARED mappings count */
	/* When the ring was last emptied after it had been full; 0: records have come since. */
	uint64_t full_ns;
};

struct record {
	uint64_t time_ns;
	uint64_t order; /* order of arrival, for records of equal time */
	struct perf_event_header *header; /* owned copy, with a NUL after its end */
	bool data; /* from the second ring */
};

struct kernel_records {
	struct kernel_record_handlers handlers;
	struct ring *rings;
	size_t nr_rings;
	size_t page_bytes;
	int epoll_fd;
	struct record *pending;
	size_t nr_pending, pending_capacity;
	uint64_t order;
	uint64_t lost;
};

/* sample_id_all appends this to every record (PERF_SAMPLE_TID | PERF_SAMPLE_TIME). */
struct sample_id {
	uint32_t tgid, tid;
	uint64_t time_ns;
};

struct comm_record {
	struct perf_event_header header;
	uint32_t tgid, tid;
	char comm[];
};

struct fork_record {
	struct perf_event_header header;
	uint32_t tgid, parent_tgid;
	uint32_t tid, parent_tid;
	uint64_t time_ns;
};

struct lost_record {
	struct perf_event_header header;
	uint64_t id;
	uint64_t nr;
};

/*
 * Without CAP_IPC_LOCK, the memory that a user may lock is limited (kernel.perf_event_mlock_kb). If
 * the limit is reached, the ring is made smaller.
 */
static void map_ring(const struct kernel_records *records, struct ring *ring)
{
	for (;; ring->data_bytes /= 2) {
		ring->page = mmap(NULL, records->page_bytes + ring->data_bytes,
				  PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
		if (ring->page != MAP_FAILED ||
		    ring->data_bytes <= MIN_RING_PAGES * records->page_bytes)
			return;
	}
}

static int open_ring(struct kernel_records *records, int cpu, bool data, size_t data_bytes)
{
	struct perf_event_attr attributes = {
		.size = sizeof(attributes),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_DUMMY,
		.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME,
		.sample_id_all = 1,
		.mmap = !data,
		.mmap2 = 1,
		.mmap_data = data,
		.comm = !data,
		.comm_exec = !data,
		.task = !data,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
		.watermark = 1,
		.wakeup_watermark = (uint32_t)(data_bytes / 4),
	};
	struct ring *ring = &records->rings[records->nr_rings];
	struct epoll_event interest = { .events = EPOLLIN };
	long fd = syscall(SYS_perf_event_open, &attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	ring->fd = (int)fd;
	ring->data = data;
	ring->data_bytes = data_bytes;
	map_ring(records, ring);
	if (ring->page == MAP_FAILED) {
		err = -errno;
		close(ring->fd);
		return err;
	}
	records->nr_rings++;
	if (epoll_ctl(records->epoll_fd, EPOLL_CTL_ADD, ring->fd, &interest))
		return -errno;
	return 0;
}

static int open_rings(struct kernel_records *records, int nr_cpus)
{
	size_t bytes = RING_PAGES * records->page_bytes, data_bytes;
	int err = 0;

	while (bytes > MIN_RING_PAGES * records->page_bytes &&
	       bytes * (size_t)nr_cpus > ALL_RING_BYTES)
		bytes /= 2;
	data_bytes = bytes;
	while (data_bytes < MAX_DATA_RING_PAGES * records->page_bytes &&
	       2 * data_bytes * (size_t)nr_cpus <= ALL_DATA_RING_BYTES)
		data_bytes *= 2;
	for (int cpu = 0; cpu < nr_cpus && !err; cpu++) {
		err = open_ring(records, cpu, false, bytes);
		if (!err && records->handlers.shared_mapped)
			err = open_ring(records, cpu, true, data_bytes);
		if (err == -ENODEV)
			err = 0; /* an offline CPU */
	}
	return !err && !records->nr_rings ? -ENODEV : err;
}

struct kernel_records *kernel_records__new(const struct kernel_record_handlers *handlers)
{
	struct kernel_records *records = calloc(1, sizeof(*records));
	long nr_cpus = sysconf(_SC_NPROCESSORS_CONF);
	int err = 0;

	if (!records)
		return NULL;
	if (nr_cpus < 1 || nr_cpus > MAX_CPUS)
		nr_cpus = MAX_CPUS;
	records->rings = calloc((size_t)nr_cpus * RINGS_OF_A_CPU, sizeof(*records->rings));
	if (!records->rings) {
		free(records);
		errno = ENOMEM;
		return NULL;
	}
	records->handlers = *handlers;
	records->page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	records->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (records->epoll_fd < 0)
		err = -errno;
	if (!err)
		err = open_rings(records, (int)nr_cpus);
	if (err) {
		kernel_records__free(records);
		errno = -err;
		return NULL;
	}
	return records;
}

void kernel_records__free(struct kernel_records *records)
{
	if (!records)
		return;
	for (size_t i = 0; i < records->nr_rings; i++) {
		munmap(records->rings[i].page, records->page_bytes + records->rings[i].data_bytes);
		close(records->rings[i].fd);
	}
	for (size_t i = 0; i < records->nr_pending; i++)
		free(records->pending[i].header);
	if (records->epoll_fd >= 0)
		close(records->epoll_fd);
	free(records->pending);
	free(records->rings);
	free(records);
}

int kernel_records__fd(const struct kernel_records *records)
{
	return records->epoll_fd;
}

uint64_t kernel_records__lost(const struct kernel_records *records)
{
	return records->lost;
}

static void note_loss(struct kernel_records *records, bool data, uint64_t time_ns, uint64_t nr)
{
	const struct kernel_record_handlers *handlers = &records->handlers;

	if (!data)
		records->lost += nr;
	else if (handlers->shared_lost)
		handlers->shared_lost(time_ns, handlers->context);
}

static int keep_record(struct kernel_records *records, struct perf_event_header *header, bool data)
{
	const struct sample_id *id;
	int err;

	if (records->nr_pending == MAX_PENDING_RECORDS)
		return -ENOSPC;
	err = array__reserve(&records->pending, &records->pending_capacity,
			     records->nr_pending + 1);
	if (err)
		return err;
	id = (const void *)((const char *)header + header->size - sizeof(*id));
	records->pending[records->nr_pending++] = (struct record){
		.time_ns = id->time_ns,
		.order = records->order++,
		.header = header,
		.data = data,
	};
	return 0;
}

/* Copies one record out of the ring; the record may wrap around the ring's end. */
static struct perf_event_header *copy_record(const char *data, size_t data_bytes, uint64_t tail,
					     size_t size)
{
	size_t at = tail % data_bytes, first = data_bytes - at < size ? data_bytes - at : size;
	char *copy = calloc(1, size + 8);

	if (!copy)
		return NULL;
	memcpy(copy, data + at, first);
	memcpy(copy + first, data, size - first);
	return (struct perf_event_header *)copy;
}

/*
 * Records and the ring are aligned to eight bytes, so no four-byte field wraps around the end. The
 * second ring also has the executable mappings, which the first ring delivers.
 */
static bool is_wanted(const struct ring *ring, const char *data, uint64_t tail)
{
	const struct perf_event_header *header = (const void *)(data + tail % ring->data_bytes);
	uint64_t flags_at = tail + offsetof(struct mmap2_record, flags);
	const uint32_t *flags = (const void *)(data + flags_at % ring->data_bytes);

	if (!ring->data || header->type != PERF_RECORD_MMAP2)
		return true;
	return header->size > sizeof(struct mmap2_record) &&
	       header->misc & PERF_RECORD_MISC_MMAP_DATA && *flags & MAP_SHARED;
}

static void gather_ring(struct kernel_records *records, struct ring *ring)
{
	const char *data = (const char *)ring->page + records->page_bytes;
	uint64_t head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
	uint64_t first = ring->page->data_tail, tail = first;
	uint64_t full_ns = ring->full_ns;

	for (; tail < head; full_ns = 0) {
		const struct perf_event_header *header =
			(const void *)(data + tail % ring->data_bytes); /* 8-byte aligned */
		size_t size = header->size;
		struct perf_event_header *copy;

		if (size < sizeof(*header) + sizeof(struct sample_id) || size > head - tail) {
			tail = head; /* not expected; the next record can't be found */
			note_loss(records, ring->data, clock__monotonic_ns(), 1);
			break;
		}
		if (!is_wanted(ring, data, tail)) {
			tail += size;
			continue;
		}
		copy = copy_record(data, ring->data_bytes, tail, size);
		tail += size;
		if (!copy || keep_record(records, copy, ring->data)) {
			free(copy);
			note_loss(records, ring->data, clock__monotonic_ns(), 1);
		} else if (full_ns && copy->type == PERF_RECORD_LOST) {
			/*
			 * This first record after a full ring reports a loss from the time when
			 * there was no room.
			 */
			records->pending[records->nr_pending - 1].time_ns = full_ns;
		}
	}
	if (tail != first)
		ring->full_ns = 0;
	/*
	 * The kernel reports a loss only together with the next record, which may be a long time
	 * coming. So a ring that was found full counts as a loss now.
	 */
	head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
	__atomic_store_n(&ring->page->data_tail, tail, __ATOMIC_RELEASE);
	if (ring->data && head - first > ring->data_bytes - MAX_RECORD_BYTES) {
		ring->full_ns = clock__monotonic_ns();
		note_loss(records, true, ring->full_ns, 1);
	}
}

static void dispatch_mapping(struct kernel_records *records, const struct mmap2_record *record,
			     const struct record *arrival)
{
	const struct kernel_record_handlers *handlers = &records->handlers;
	pid_t tgid = (pid_t)record->tgid;
	struct mapping map;

	if (mmap2_record__read(record, record->header.size - sizeof(struct sample_id), &map))
		return;
	map.since_ns = arrival->time_ns;
	if (!arrival->data)
		handlers->mapped(tgid, arrival->time_ns, &map, handlers->context);
	if (handlers->shared_mapped && record->flags & MAP_SHARED)
		handlers->shared_mapped(tgid, arrival->time_ns, &map, handlers->context);
}

static void dispatch(struct kernel_records *records, const struct record *record)
{
	const struct perf_event_header *header = record->header;
	const struct fork_record *fork_record = (const void *)header;
	const struct comm_record *comm = (const void *)header;
	size_t size = header->size - sizeof(struct sample_id);
	void *context = records->handlers.context;

	if (records->handlers.reached)
		records->handlers.reached(record->time_ns, context);
	switch (header->type) {
	case PERF_RECORD_MMAP2:
		dispatch_mapping(records, (const void *)header, record);
		break;
	case PERF_RECORD_COMM:
		if (size > sizeof(*comm) && header->misc & PERF_RECORD_MISC_COMM_EXEC)
			records->handlers.execed((pid_t)comm->tgid, record->time_ns, comm->comm,
						 context);
		break;
	case PERF_RECORD_FORK:
		if (size >= sizeof(*fork_record) && fork_record->tgid != fork_record->parent_tgid)
			records->handlers.forked((pid_t)fork_record->tgid,
						 (pid_t)fork_record->parent_tgid, record->time_ns,
						 context);
		break;
	case PERF_RECORD_LOST:
		if (size >= sizeof(struct lost_record))
			note_loss(records, record->data, record->time_ns,
				  ((const struct lost_record *)header)->nr);
		break;
	}
}

static int by_time(const void *a, const void *b)
{
	const struct record *left = a, *right = b;

	if (left->time_ns != right->time_ns)
		return left->time_ns < right->time_ns ? -1 : 1;
	return left->order < right->order ? -1 : left->order > right->order;
}

int kernel_records__drain(struct kernel_records *records)
{
	uint64_t horizon_ns = clock__monotonic_ns();
	size_t done = 0;

	for (size_t i = 0; i < records->nr_rings; i++)
		gather_ring(records, &records->rings[i]);
	if (!records->nr_pending)
		return 0;
	qsort(records->pending, records->nr_pending, sizeof(*records->pending), by_time);
	while (done < records->nr_pending && records->pending[done].time_ns <= horizon_ns) {
		dispatch(records, &records->pending[done]);
		free(records->pending[done++].header);
	}
	records->nr_pending -= done;
	memmove(records->pending, records->pending + done,
		records->nr_pending * sizeof(*records->pending));
	return 0;
}
