// SPDX-License-Identifier: GPL-2.0
/*
 * See process_watch.h. A followed process has one event for each thread on each CPU, since an
 * inherited event can't serve all CPUs at once. All events of a CPU write to its ring.
 */
#include "probes/guard/process_watch.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array.h"

#define RING_PAGES 16
#define MAX_CPUS 4096
/* Threads that start while the others are being followed are found in a later round. */
#define MAX_ROUNDS 8

struct cpu_ring {
	struct perf_ring ring;
	int cpu;
};

struct process_watch {
	struct cpu_ring *rings;
	size_t nr_rings;
	int task_fd;
};

/* A process being followed, with the threads that are followed already. */
struct following {
	const struct process_watch *watch;
	struct map_records *records;
	pid_t *tids;
	size_t nr_tids, tids_capacity;
};

static int open_ring(struct process_watch *watch, int cpu)
{
	struct perf_event_attr attributes = perf_ring__attributes();
	struct cpu_ring *ring = &watch->rings[watch->nr_rings];
	int err;

	attributes.comm = 1;
	attributes.comm_exec = 1;
	err = perf_ring__open(&ring->ring, &attributes, -1, cpu, RING_PAGES);
	if (err)
		return err == -ENODEV ? 0 : err; /* an offline CPU */
	ring->cpu = cpu;
	watch->nr_rings++;
	return 0;
}

/*
 * Opening the first per-thread event of a system makes its opener wait for all CPUs (the kernel
 * switches a static branch). Holding one event open spares the later followers that wait.
 */
static int open_task_event(void)
{
	struct perf_event_attr attributes = perf_ring__attributes();

	return (int)syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

static void free_watch(struct process_watch *watch)
{
	while (watch->nr_rings)
		perf_ring__close(&watch->rings[--watch->nr_rings].ring);
	if (watch->task_fd >= 0)
		close(watch->task_fd);
	free(watch->rings);
	free(watch);
}

struct process_watch *process_watch__new(void)
{
	struct process_watch *watch = calloc(1, sizeof(*watch));
	long nr_cpus = sysconf(_SC_NPROCESSORS_CONF);
	int err = 0;

	if (!watch)
		return NULL;
	if (nr_cpus < 1 || nr_cpus > MAX_CPUS)
		nr_cpus = MAX_CPUS;
	watch->rings = calloc((size_t)nr_cpus, sizeof(*watch->rings));
	watch->task_fd = open_task_event();
	if (!watch->rings)
		err = -ENOMEM;
	for (int cpu = 0; cpu < nr_cpus && !err; cpu++)
		err = open_ring(watch, cpu);
	if (!err && !watch->nr_rings)
		err = -ENODEV;
	if (!err)
		return watch;
	free_watch(watch);
	errno = -err;
	return NULL;
}

size_t process_watch__nr_rings(const struct process_watch *watch)
{
	return watch->nr_rings;
}

int process_watch__fd(const struct process_watch *watch, size_t ring)
{
	return watch->rings[ring].ring.fd;
}

int process_watch__cpu(const struct process_watch *watch, size_t ring)
{
	return watch->rings[ring].cpu;
}

enum watch_event process_watch__take(struct process_watch *watch, size_t ring,
				     union perf_record *record, struct mapping *map)
{
	switch (perf_ring__take(&watch->rings[ring].ring, record)) {
	case 0:
		return WATCH_NOTHING;
	case PERF_RECORD_LOST:
		return WATCH_LOST;
	case PERF_RECORD_COMM:
		return record->header.misc & PERF_RECORD_MISC_COMM_EXEC ? WATCH_EXECED :
									  WATCH_OTHER;
	case PERF_RECORD_MMAP2:
		return perf_record__mapping(record, map) ? WATCH_OTHER : WATCH_MAPPED;
	default:
		return WATCH_OTHER;
	}
}

static int follow_thread(struct following *following, pid_t tid)
{
	const struct process_watch *watch = following->watch;
	struct map_records *records = following->records;
	struct perf_event_attr attributes = perf_ring__attributes();
	int err = array__reserve(&records->fds, &records->capacity,
				 records->nr_fds + watch->nr_rings);

	if (err)
		return err;
	attributes.mmap = 1;
	attributes.mmap2 = 1;
	attributes.mmap_data = 1;
	attributes.inherit = 1;
	attributes.remove_on_exec = 1; /* Linux 5.13 */
	for (size_t i = 0; i < watch->nr_rings; i++) {
		int fd = perf_ring__join(&watch->rings[i].ring, &attributes, tid,
					 watch->rings[i].cpu);

		if (fd == -ESRCH)
			return 0; /* the thread has ended */
		if (fd < 0)
			return fd;
		records->fds[records->nr_fds++] = fd;
	}
	return 0;
}

static bool is_followed(const struct following *following, pid_t tid)
{
	for (size_t i = 0; i < following->nr_tids; i++)
		if (following->tids[i] == tid)
			return true;
	return false;
}

/* Follows the threads that are not followed yet. Returns their number, or -errno. */
static int follow_new_threads(struct following *following, pid_t tgid)
{
	char path[64];
	struct dirent *entry;
	int nr = 0, err = 0;
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)tgid);
	folder = opendir(path);
	if (!folder)
		return -errno;
	while (!err && (entry = readdir(folder))) {
		pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (tid <= 0 || is_followed(following, tid))
			continue;
		err = array__reserve(&following->tids, &following->tids_capacity,
				     following->nr_tids + 1);
		if (err)
			break;
		following->tids[following->nr_tids++] = tid;
		err = follow_thread(following, tid);
		nr++;
	}
	closedir(folder);
	return err ? err : nr;
}

int process_watch__follow(const struct process_watch *watch, pid_t tgid,
			  struct map_records *records)
{
	struct following following = { .watch = watch, .records = records };
	int nr = 1;

	for (int round = 0; round < MAX_ROUNDS && nr > 0; round++)
		nr = follow_new_threads(&following, tgid);
	free(following.tids);
	if (nr >= 0 && records->nr_fds)
		return 0;
	map_records__close(records);
	return nr < 0 ? nr : -ESRCH;
}

void map_records__close(struct map_records *records)
{
	while (records->nr_fds)
		close(records->fds[--records->nr_fds]);
	free(records->fds);
	*records = (struct map_records){ 0 };
}
