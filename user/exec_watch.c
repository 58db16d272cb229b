// SPDX-License-Identifier: GPL-2.0
/* See exec_watch.h: a ring on each CPU, and an epoll descriptor over them. */
#include "exec_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "perf_ring.h"

#define RING_PAGES 16
#define MAX_CPUS 4096

struct exec_watch {
	struct exec_watch_handlers handlers;
	struct perf_ring *rings;
	size_t nr_rings;
	int epoll_fd;
	int task_fd;
	union perf_record record; /* the one that is being handled */
};

static int open_ring(struct exec_watch *watch, int cpu)
{
	struct perf_event_attr attributes = perf_ring__attributes();
	struct epoll_event interest = { .events = EPOLLIN };
	struct perf_ring *ring = &watch->rings[watch->nr_rings];
	int err;

	attributes.comm = 1;
	attributes.comm_exec = 1;
	err = perf_ring__open(ring, &attributes, -1, cpu, RING_PAGES);
	if (err)
		return err == -ENODEV ? 0 : err; /* an offline CPU */
	watch->nr_rings++;
	return epoll_ctl(watch->epoll_fd, EPOLL_CTL_ADD, ring->fd, &interest) ? -errno : 0;
}

/*
 * The first event of a single thread on a system makes its opener wait for all CPUs (a static
 * branch is switched). One that is always there spares map_watch that.
 */
static int open_task_event(void)
{
	struct perf_event_attr attributes = perf_ring__attributes();

	return (int)syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

struct exec_watch *exec_watch__new(const struct exec_watch_handlers *handlers)
{
	struct exec_watch *watch = calloc(1, sizeof(*watch));
	long nr_cpus = sysconf(_SC_NPROCESSORS_CONF);
	int err = 0;

	if (!watch)
		return NULL;
	if (nr_cpus < 1 || nr_cpus > MAX_CPUS)
		nr_cpus = MAX_CPUS;
	watch->handlers = *handlers;
	watch->rings = calloc((size_t)nr_cpus, sizeof(*watch->rings));
	watch->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	watch->task_fd = open_task_event();
	if (watch->epoll_fd < 0)
		err = -errno;
	else if (!watch->rings)
		err = -ENOMEM;
	for (int cpu = 0; cpu < nr_cpus && !err; cpu++)
		err = open_ring(watch, cpu);
	if (!err && !watch->nr_rings)
		err = -ENODEV;
	if (err) {
		exec_watch__free(watch);
		errno = -err;
		return NULL;
	}
	return watch;
}

void exec_watch__free(struct exec_watch *watch)
{
	if (!watch)
		return;
	while (watch->nr_rings)
		perf_ring__close(&watch->rings[--watch->nr_rings]);
	if (watch->epoll_fd >= 0)
		close(watch->epoll_fd);
	if (watch->task_fd >= 0)
		close(watch->task_fd);
	free(watch->rings);
	free(watch);
}

int exec_watch__fd(const struct exec_watch *watch)
{
	return watch->epoll_fd;
}

void exec_watch__drain(struct exec_watch *watch)
{
	union perf_record *record = &watch->record;
	void *context = watch->handlers.context;
	uint32_t type;

	for (size_t i = 0; i < watch->nr_rings; i++)
		while ((type = perf_ring__take(&watch->rings[i], record)))
			if (type == PERF_RECORD_LOST)
				watch->handlers.lost(context);
			else if (type == PERF_RECORD_COMM &&
				 record->header.misc & PERF_RECORD_MISC_COMM_EXEC)
				watch->handlers.execed(perf_record__tgid(record), context);
}
