// SPDX-License-Identifier: GPL-2.0
/*
 * See map_watch.h: an event for each thread on each CPU, since an event that is inherited can't
 * serve all CPUs at once; those of one CPU share a ring.
 */
#include "map_watch.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "perf_ring.h"

#define RING_PAGES 2
#define MAX_CPUS 4096
/* Threads that a process makes while we follow one after the other come in a later round. */
#define MAX_ROUNDS 8

struct cpu_ring {
	struct perf_ring ring;
	int cpu;
};

struct map_watch {
	struct map_watch_handlers handlers;
	struct cpu_ring *rings;
	size_t nr_rings;
	pid_t *tids; /* threads that are followed */
	size_t nr_tids;
	int *fds; /* events of further threads */
	size_t nr_fds;
	union perf_record record; /* the one that is being handled */
};

static struct perf_event_attr mapping_attributes(void)
{
	struct perf_event_attr attributes = perf_ring__attributes();

	attributes.mmap = 1;
	attributes.mmap2 = 1;
	attributes.mmap_data = 1;
	attributes.inherit = 1;
	attributes.remove_on_exec = 1; /* Linux 5.13 */
	return attributes;
}

static void close_rings(struct map_watch *watch)
{
	while (watch->nr_rings)
		perf_ring__close(&watch->rings[--watch->nr_rings].ring);
}

static int open_rings(struct map_watch *watch, pid_t tid)
{
	struct perf_event_attr attributes = mapping_attributes();
	long nr_cpus = sysconf(_SC_NPROCESSORS_CONF);

	if (nr_cpus < 1 || nr_cpus > MAX_CPUS)
		nr_cpus = MAX_CPUS;
	if (!watch->rings)
		watch->rings = calloc((size_t)nr_cpus, sizeof(*watch->rings));
	if (!watch->rings)
		return -ENOMEM;
	for (int cpu = 0; cpu < nr_cpus; cpu++) {
		struct cpu_ring *ring = &watch->rings[watch->nr_rings];
		int err = perf_ring__open(&ring->ring, &attributes, tid, cpu, RING_PAGES);

		if (err == -ENODEV)
			continue; /* an offline CPU */
		if (err) {
			close_rings(watch); /* all CPUs or none */
			return err;
		}
		ring->cpu = cpu;
		watch->nr_rings++;
	}
	return 0;
}

static int join_rings(struct map_watch *watch, pid_t tid)
{
	struct perf_event_attr attributes = mapping_attributes();
	int *grown = realloc(watch->fds, (watch->nr_fds + watch->nr_rings) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	watch->fds = grown;
	for (size_t i = 0; i < watch->nr_rings; i++) {
		int fd = perf_ring__join(&watch->rings[i].ring, &attributes, tid,
					 watch->rings[i].cpu);

		if (fd < 0)
			return fd;
		watch->fds[watch->nr_fds++] = fd;
	}
	return 0;
}

static bool is_followed(const struct map_watch *watch, pid_t tid)
{
	for (size_t i = 0; i < watch->nr_tids; i++)
		if (watch->tids[i] == tid)
			return true;
	return false;
}

static int follow_thread(struct map_watch *watch, pid_t tid)
{
	pid_t *grown = realloc(watch->tids, (watch->nr_tids + 1) * sizeof(*grown));
	int err;

	if (!grown)
		return -ENOMEM;
	watch->tids = grown;
	grown[watch->nr_tids++] = tid;
	err = watch->nr_rings ? join_rings(watch, tid) : open_rings(watch, tid);
	return err == -ESRCH ? 0 : err; /* that thread is gone */
}

/* Follows the threads that are not followed yet. Returns how many, or -errno. */
static int follow_new_threads(struct map_watch *watch, pid_t tgid)
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

		if (tid <= 0 || is_followed(watch, tid))
			continue;
		err = follow_thread(watch, tid);
		nr++;
	}
	closedir(folder);
	return err ? err : nr;
}

struct map_watch *map_watch__new(pid_t tgid, const struct map_watch_handlers *handlers)
{
	struct map_watch *watch = calloc(1, sizeof(*watch));
	int nr = 1;

	if (!watch)
		return NULL;
	watch->handlers = *handlers;
	for (int round = 0; round < MAX_ROUNDS && nr > 0; round++)
		nr = follow_new_threads(watch, tgid);
	if (nr >= 0 && watch->nr_rings)
		return watch;
	map_watch__free(watch);
	errno = nr < 0 ? -nr : ESRCH;
	return NULL;
}

void map_watch__free(struct map_watch *watch)
{
	if (!watch)
		return;
	while (watch->nr_fds)
		close(watch->fds[--watch->nr_fds]);
	close_rings(watch);
	free(watch->fds);
	free(watch->tids);
	free(watch->rings);
	free(watch);
}

size_t map_watch__nr_fds(const struct map_watch *watch)
{
	return watch->nr_rings;
}

int map_watch__fd(const struct map_watch *watch, size_t index)
{
	return watch->rings[index].ring.fd;
}

int map_watch__cpu(const struct map_watch *watch, size_t index)
{
	return watch->rings[index].cpu;
}

void map_watch__drain(struct map_watch *watch)
{
	union perf_record *record = &watch->record;
	void *context = watch->handlers.context;
	struct mapping map;
	uint32_t type;

	for (size_t i = 0; i < watch->nr_rings; i++)
		while ((type = perf_ring__take(&watch->rings[i].ring, record)))
			if (type == PERF_RECORD_LOST)
				watch->handlers.lost(context);
			else if (type == PERF_RECORD_MMAP2 && !perf_record__mapping(record, &map))
				watch->handlers.mapped(perf_record__tgid(record), &map, context);
}
