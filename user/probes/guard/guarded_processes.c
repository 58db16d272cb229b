// SPDX-License-Identifier: GPL-2.0
/*
 * See guarded_processes.h. A lane of threads is bound to each CPU, and woken by mappings made
 * there. Such a thread preempts the translator before it returns from its system call. One more
 * lane does the work that no one waits for.
 *
 * One lane for the rings of all CPUs was slower when 8 guarded processes started at a time on two
 * busy CPUs: 99 of 100 breakpoints were out after 29 ms at most with a lane for each CPU, and after
 * 73 ms with one lane; the slowest took 42 ms and 127 ms (421 and 206 times that a process was
 * cleared). No process was harmed in either. qemu-user needs some hundred microseconds until it
 * translates, Valgrind tens of milliseconds.
 *
 * The main thread waits for no process, except while probes are being attached. Then it takes
 * breakpoints out of all processes, one after the other without a break. The attaching process has
 * to wait for the same locks anyway.
 */
#include "probes/guard/guarded_processes.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "probes/guard/guard_lane.h"
#include "probes/guard/guarded_list.h"
#include "probes/guard/guarded_process.h"
#include "probes/guard/process_view.h"
#include "probes/guard/process_watch.h"

#define NEWS UINT64_MAX
/*
 * If a guarded process was not looked at by then, a thread is waiting for its lock. The attaching
 * process will have to wait for that lock too.
 */
#define ROUND_LIMIT_NS 300000000ULL
/* After sweeping for this long, pause, so that the attaching process can run on this processor. */
#define SWEEP_NS 2000000ULL
#define SWEEP_ALONE_NS 200000ULL /* on a system with one processor */

struct guarded_processes {
	struct guarded_processes_report report;
	struct breakpoints breakpoints;
	struct guard_orders orders;
	struct process_watch *watch;
	struct guarded_list *list;
	int epoll_fd, news_fd;
	bool records_lost; /* atomic */
	bool attaching; /* the main thread's own */
	struct guarded_process *swept[GUARDED_LIST_MAX]; /* the main thread's own */
};

/* Returns whether there is one more guarded process now. */
static bool look_at_process(struct guarded_processes *processes, pid_t tgid)
{
	enum translator_kind kind = process_view__kind(tgid);
	struct guarded_process *process = kind ? guarded_list__find(processes->list, tgid) : NULL;
	int err;

	if (!kind || process) {
		if (process)
			guarded_process__unref(process);
		return false;
	}
	process = guarded_process__new(tgid, kind, &processes->orders);
	if (!process) {
		if (errno != ESRCH)
			processes->report.failed(tgid, -errno, processes->report.context);
		return false;
	}
	err = guarded_list__add(processes->list, process);
	if (err && err != -EEXIST)
		processes->report.failed(tgid, err, processes->report.context);
	return !err;
}

/* ---- lanes ---- */

/* Returns whether the process has to wait until others have had their share. */
static bool put_off(struct guarded_processes *processes, struct guarded_process *process)
{
	bool tell, wait = guarded_list__put_off(processes->list, process, &tell);

	if (tell)
		processes->report.failed(guarded_process__tgid(process), -EBUSY,
					 processes->report.context);
	return wait;
}

/* map: the new mapping, or NULL. Consumes the reference. */
static void serve(struct guarded_processes *processes, struct guarded_process *process,
		  const struct mapping *map)
{
	uint64_t before_ns = clock__thread_cpu_ns();

	if (map)
		guarded_process__mapped(process, map);
	else
		guarded_process__attend(process);
	guarded_list__spend(processes->list, process, clock__thread_cpu_ns() - before_ns);
	guarded_process__unref(process);
}

/* A program that began, or a new mapping. */
struct task {
	enum watch_event event;
	pid_t tgid;
	struct mapping map;
	union perf_record record;
};

/* Nearly all new programs are no translators: the leader is done with them at once. */
static void take_record(struct guarded_processes *processes, size_t ring, struct task *task)
{
	struct pollfd ready = { .fd = process_watch__fd(processes->watch, ring), .events = POLLIN };

	for (;;) {
		task->event =
			process_watch__take(processes->watch, ring, &task->record, &task->map);
		switch (task->event) {
		case WATCH_EXECED:
			task->tgid = perf_record__tgid(&task->record);
			guarded_list__forget(processes->list, task->tgid);
			if (process_view__kind(task->tgid))
				return;
			break;
		case WATCH_MAPPED:
			task->tgid = perf_record__tgid(&task->record);
			return;
		case WATCH_LOST:
			__atomic_store_n(&processes->records_lost, true, __ATOMIC_RELEASE);
			eventfd_write(processes->news_fd, 1);
			break;
		case WATCH_NOTHING:
			poll(&ready, 1, -1);
			break;
		case WATCH_OTHER:
			break;
		}
	}
}

static void carry_out(struct guarded_processes *processes, struct task *task)
{
	struct guarded_process *process;

	/*
	 * A forked child of a guarded process is a translator too; its first mapping makes it
	 * known.
	 */
	process = guarded_list__find(processes->list, task->tgid);
	if (!process && look_at_process(processes, task->tgid)) {
		process = guarded_list__find(processes->list, task->tgid);
		guarded_list__wake(processes->list); /* patrols begin now */
		task->event = WATCH_EXECED; /* look at all its mappings */
	}
	if (!process)
		return;
	if (task->event == WATCH_EXECED)
		serve(processes, process, NULL);
	else if (guarded_process__is_over(process) || put_off(processes, process))
		guarded_process__unref(process);
	else
		serve(processes, process, &task->map);
}

static void follow_ring(struct guard_lane *lane, size_t ring, void *context)
{
	struct task task;

	take_record(context, ring, &task);
	guard_lane__pass_on(lane);
	carry_out(context, &task);
}

/* All the work of this lane counts as the patrol's cost, not only the work on guarded processes. */
static void patrol(struct guard_lane *lane, size_t number, void *context)
{
	uint64_t before_ns = clock__thread_cpu_ns();
	struct guarded_processes *processes = context;
	struct guarded_process *process = guarded_list__wait_for_work(processes->list);

	(void)number;
	guard_lane__pass_on(lane);
	serve(processes, process, NULL);
	guarded_list__add_patrol_cost(processes->list, clock__thread_cpu_ns() - before_ns);
}

static int start_lanes(struct guarded_processes *processes)
{
	size_t nr_rings = process_watch__nr_rings(processes->watch);
	int err = 0;

	for (size_t i = 0; i < nr_rings && !err; i++)
		err = guard_lane__start(i, process_watch__cpu(processes->watch, i), follow_ring,
					processes);
	return err ? err : guard_lane__start(nr_rings, GUARD_LANE_ANY_CPU, patrol, processes);
}

/* ---- the main thread ---- */

static void look_at_running(pid_t tgid, void *context)
{
	look_at_process(context, tgid);
}

/* Has all mappings looked at again: first in the processes that are known already. */
static void begin_round(struct guarded_processes *processes)
{
	__atomic_fetch_add(&processes->orders.round, 1, __ATOMIC_RELEASE);
	guarded_list__want(processes->list, GUARD_LOOK);
	process_view__each_process(look_at_running, processes);
	guarded_list__wake(processes->list);
}

static void finish_round(struct guarded_processes *processes)
{
	uint64_t limit_ns = clock__monotonic_ns() + ROUND_LIMIT_NS;

	while (!guarded_list__round_is_complete(processes->list, processes->orders.round) &&
	       clock__monotonic_ns() < limit_ns) {
		guarded_processes__work(processes);
		poll(NULL, 0, 1);
	}
}

static int set_up(struct guarded_processes *processes)
{
	struct epoll_event news = { .events = EPOLLIN, .data.u64 = NEWS };

	processes->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	processes->news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	processes->list = guarded_list__new(processes->epoll_fd);
	processes->watch = processes->list ? process_watch__new() : NULL;
	if (!processes->watch || processes->epoll_fd < 0 || processes->news_fd < 0 ||
	    epoll_ctl(processes->epoll_fd, EPOLL_CTL_ADD, processes->news_fd, &news))
		return -errno;
	processes->orders = (struct guard_orders){
		.breakpoints = &processes->breakpoints,
		.watch = processes->watch,
		.guarded = processes->report.guarded,
		.failed = processes->report.failed,
		.context = processes->report.context,
	};
	return 0;
}

struct guarded_processes *guarded_processes__new(const struct guarded_processes_report *report)
{
	struct guarded_processes *processes = calloc(1, sizeof(*processes));
	int err;

	if (!processes)
		return NULL;
	processes->report = *report;
	err = set_up(processes);
	if (err) {
		free(processes);
		errno = -err;
		return NULL;
	}
	err = start_lanes(processes); /* from here on, threads use it */
	if (err) {
		errno = -err; /* the guard exits now, and frees everything */
		return NULL;
	}
	begin_round(processes);
	return processes;
}

int guarded_processes__add_code(struct guarded_processes *processes,
				const struct breakpoint *breakpoint)
{
	return breakpoints__add(&processes->breakpoints, breakpoint);
}

/* Clears all guarded processes. Returns whether there are any. */
static bool clear_all(struct guarded_processes *processes)
{
	size_t nr = guarded_list__find_all(processes->list, processes->swept);

	for (size_t i = 0; i < nr; i++) {
		guarded_process__clear(processes->swept[i]);
		guarded_process__unref(processes->swept[i]);
	}
	return nr;
}

static void sweep(struct guarded_processes *processes)
{
	bool alone = sysconf(_SC_NPROCESSORS_ONLN) < 2;
	uint64_t until_ns = clock__monotonic_ns() + (alone ? SWEEP_ALONE_NS : SWEEP_NS);

	while (clear_all(processes) && clock__monotonic_ns() < until_ns)
		;
}

void guarded_processes__set_attaching(struct guarded_processes *processes, bool attaching)
{
	processes->attaching = false;
	clear_all(processes);
	begin_round(processes);
	finish_round(processes);
	processes->attaching = attaching;
}

bool guarded_processes__attaching(const struct guarded_processes *processes)
{
	return processes->attaching;
}

int guarded_processes__fd(const struct guarded_processes *processes)
{
	return processes->epoll_fd;
}

void guarded_processes__work(struct guarded_processes *processes)
{
	struct epoll_event events[16];
	int nr = epoll_wait(processes->epoll_fd, events, 16, 0);
	eventfd_t news;

	for (int i = 0; i < nr; i++) {
		if (events[i].data.u64 == NEWS)
			eventfd_read(processes->news_fd, &news);
		else
			guarded_list__forget_ended(processes->list, events[i].data.u64);
	}
	if (__atomic_exchange_n(&processes->records_lost, false, __ATOMIC_ACQ_REL))
		begin_round(processes);
	if (processes->attaching)
		sweep(processes);
}
