// SPDX-License-Identifier: GPL-2.0
/*
 * See suspects.h. This thread waits for no process: whatever could take the lock of one is done by
 * the threads of that suspect. But while probes are being attached it takes breakpoints out of all
 * of them, one after the other without a break: the one who attaches has to wait for the same locks.
 */
#include "suspects.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "exec_watch.h"
#include "process_view.h"
#include "suspect.h"

#define MAX_SUSPECTS 4096
/*
 * One whose thread has not looked at all by then waits for the lock of its process, which whoever
 * attaches will have to wait for too.
 */
#define ROUND_LIMIT_NS 300000000ULL
/* A spell of that, and then a pause in which whoever attaches can run on this processor. */
#define SWEEP_NS 2000000ULL
#define SWEEP_ALONE_NS 200000ULL /* there is no other */

struct suspects {
	struct suspects_report report;
	struct breakpoints breakpoints;
	struct suspect_orders orders;
	struct exec_watch *watch;
	int epoll_fd;
	int child_fds[2]; /* a pipe: threads write the numbers of processes to look at */
	struct suspect *list[MAX_SUSPECTS];
	size_t nr;
	struct suspect *leaving[MAX_SUSPECTS]; /* were told to end */
	size_t nr_leaving;
	bool records_lost;
	bool attaching;
};

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

static struct suspect **find(struct suspects *suspects, pid_t tgid)
{
	for (size_t i = 0; i < suspects->nr; i++)
		if (suspect__tgid(suspects->list[i]) == tgid)
			return &suspects->list[i];
	return NULL;
}

static void tell_child(pid_t tgid, void *context)
{
	const struct suspects *suspects = context;

	if (write(suspects->child_fds[1], &tgid, sizeof(tgid)) != sizeof(tgid))
		suspects->report.failed(tgid, -errno, suspects->report.context);
}

static void tell_guarded(pid_t tgid, void *context)
{
	const struct suspects *suspects = context;

	suspects->report.guarded(tgid, suspects->report.context);
}

static void tell_failed(pid_t tgid, int error, void *context)
{
	const struct suspects *suspects = context;

	suspects->report.failed(tgid, error, suspects->report.context);
}

static void add(struct suspects *suspects, pid_t tgid)
{
	struct suspect_report report = { tell_guarded, tell_failed, tell_child, suspects };
	struct suspect *suspect = NULL;

	errno = ENOSPC;
	if (suspects->nr + suspects->nr_leaving < MAX_SUSPECTS)
		suspect = suspect__new(tgid, &suspects->orders, &report);
	if (suspect)
		suspects->list[suspects->nr++] = suspect;
	else
		tell_failed(tgid, -errno, suspects);
}

static void look_at_process(pid_t tgid, void *context)
{
	struct suspects *suspects = context;

	if (!find(suspects, tgid) && process_view__translates(tgid))
		add(suspects, tgid);
}

static void on_execed(pid_t tgid, void *context)
{
	struct suspects *suspects = context;
	struct suspect **known = find(suspects, tgid);

	if (known) {
		suspect__stop(*known);
		suspects->leaving[suspects->nr_leaving++] = *known;
		*known = suspects->list[--suspects->nr];
	}
	look_at_process(tgid, suspects);
}

static void on_lost(void *context)
{
	struct suspects *suspects = context;

	suspects->records_lost = true;
}

/* There can be thousands to look at: who begins meanwhile doesn't wait for the last of them. */
static void look_and_drain(pid_t tgid, void *context)
{
	struct suspects *suspects = context;

	look_at_process(tgid, suspects);
	exec_watch__drain(suspects->watch);
}

static void free_ended(struct suspect **list, size_t *nr)
{
	for (size_t i = *nr; i-- > 0;) {
		if (!suspect__ended(list[i]))
			continue;
		suspect__free(list[i]);
		list[i] = list[--*nr];
	}
}

static bool round_is_complete(const struct suspects *suspects)
{
	for (size_t i = 0; i < suspects->nr; i++)
		if (!suspect__ended(suspects->list[i]) &&
		    suspect__round(suspects->list[i]) != suspects->orders.round)
			return false;
	return true;
}

/* Has all threads look at all that their processes map; those that are known already go first. */
static void begin_round(struct suspects *suspects)
{
	__atomic_fetch_add(&suspects->orders.round, 1, __ATOMIC_RELEASE);
	for (size_t i = 0; i < suspects->nr; i++)
		suspect__wake(suspects->list[i]);
	process_view__each_process(look_and_drain, suspects);
}

static void finish_round(struct suspects *suspects)
{
	uint64_t limit_ns = monotonic_ns() + ROUND_LIMIT_NS;
	struct pollfd ready = { .fd = suspects->epoll_fd, .events = POLLIN };

	while (!round_is_complete(suspects) && monotonic_ns() < limit_ns) {
		poll(&ready, 1, 1);
		suspects__work(suspects);
	}
}

static int watch_fd(struct suspects *suspects, int fd)
{
	struct epoll_event interest = { .events = EPOLLIN };

	return fd < 0 || epoll_ctl(suspects->epoll_fd, EPOLL_CTL_ADD, fd, &interest) ? -errno : 0;
}

static int set_up(struct suspects *suspects)
{
	struct exec_watch_handlers handlers = { on_execed, on_lost, suspects };
	int err;

	suspects->orders.breakpoints = &suspects->breakpoints;
	suspects->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	suspects->orders.news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pipe2(suspects->child_fds, O_CLOEXEC | O_NONBLOCK))
		return -errno;
	suspects->watch = exec_watch__new(&handlers);
	if (!suspects->watch)
		return -errno;
	err = watch_fd(suspects, suspects->orders.news_fd);
	if (!err)
		err = watch_fd(suspects, suspects->child_fds[0]);
	if (!err)
		err = watch_fd(suspects, exec_watch__fd(suspects->watch));
	return err;
}

struct suspects *suspects__new(const struct suspects_report *report)
{
	struct suspects *suspects = calloc(1, sizeof(*suspects));
	int err;

	if (!suspects)
		return NULL;
	suspects->report = *report;
	err = set_up(suspects);
	if (err) {
		free(suspects); /* the process is about to end */
		errno = -err;
		return NULL;
	}
	begin_round(suspects);
	return suspects;
}

int suspects__add_code(struct suspects *suspects, const struct breakpoint *breakpoint)
{
	return breakpoints__add(&suspects->breakpoints, breakpoint);
}

static void clear_all(struct suspects *suspects)
{
	for (size_t i = 0; i < suspects->nr; i++)
		suspect__clear(suspects->list[i]);
}

static void sweep(struct suspects *suspects)
{
	bool alone = sysconf(_SC_NPROCESSORS_ONLN) < 2;
	uint64_t until_ns = monotonic_ns() + (alone ? SWEEP_ALONE_NS : SWEEP_NS);

	do {
		clear_all(suspects);
		exec_watch__drain(suspects->watch);
	} while (suspects->nr && monotonic_ns() < until_ns);
}

void suspects__set_attaching(struct suspects *suspects, bool attaching)
{
	suspects->attaching = false;
	clear_all(suspects);
	begin_round(suspects);
	finish_round(suspects);
	suspects->attaching = attaching;
}

bool suspects__attaching(const struct suspects *suspects)
{
	return suspects->attaching;
}

int suspects__fd(const struct suspects *suspects)
{
	return suspects->epoll_fd;
}

void suspects__work(struct suspects *suspects)
{
	eventfd_t news;
	pid_t child;

	exec_watch__drain(suspects->watch);
	/* Before Linux 5.13 we hear of a child even if it has run something else since. */
	while (read(suspects->child_fds[0], &child, sizeof(child)) == sizeof(child))
		look_at_process(child, suspects);
	eventfd_read(suspects->orders.news_fd, &news);
	free_ended(suspects->list, &suspects->nr);
	free_ended(suspects->leaving, &suspects->nr_leaving);
	if (suspects->records_lost) {
		suspects->records_lost = false;
		begin_round(suspects);
	}
	if (suspects->attaching)
		sweep(suspects);
}
