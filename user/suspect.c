// SPDX-License-Identifier: GPL-2.0
/*
 * See suspect.h. Whatever breakpoint the kernel wrote into a translator is taken out before the
 * translator comes to translate it, for which it needs from some hundred microseconds (qemu-user)
 * to tens of milliseconds (Valgrind). The kernel tells of a mapping while it still holds the lock
 * on the address space, and writes the breakpoints before it lets go; whoever reads that memory
 * waits for the lock, so we can't be too early.
 *
 * Nor too late: a runner is bound to each CPU, and woken by what is mapped there. It precedes the
 * translator, which has to give way to it before it returns from its system call. Where there are
 * very many CPUs, the keeper alone, which sees to all else too, has to be fast enough.
 */
#include "suspect.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "map_watch.h"
#include "process_view.h"

#define NEVER UINT64_MAX
#define MAX_RUNNERS 32
#define ANY_CPU (-1)
#define STACK_BYTES (128 << 10)
/* Between two looks in quiet times. */
#define PATROL_PAUSE_NS 10000000ULL
/* The functions of some dozen libraries. */
#define MAX_PLACES 1024

/* A known function in its memory. Once there, only the address changes, and only to 0: it left. */
struct code_place {
	size_t breakpoint; /* index */
	uint64_t address; /* atomic */
};

struct runner {
	struct suspect *suspect;
	int fd, cpu;
	pthread_t thread;
};

struct suspect {
	pid_t tgid;
	struct suspect_orders *orders;
	struct suspect_report report;
	pthread_t keeper;
	int wake_fd; /* for the keeper */
	int end_fd; /* for the runners: readable for ever once they are to end */
	bool stop, ended; /* atomic */
	bool dirty; /* atomic: there are records that the holder of the lock may not have seen */
	unsigned int round; /* atomic */
	/* The keeper's own. */
	int pidfd; /* readable at its end */
	int all_fd; /* of all CPUs */
	struct runner runners[MAX_RUNNERS];
	size_t nr_runners;
	/* Under the lock. */
	pthread_mutex_t lock;
	int mem_fd;
	struct map_watch *watch;
	bool look_again;
	/* Written under the lock, read without. */
	struct code_place places[MAX_PLACES];
	size_t nr_places; /* atomic */
	bool reported; /* atomic */
};

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

static void report_failure(const struct suspect *suspect, int error)
{
	if (process_view__is_alive(suspect->tgid))
		suspect->report.failed(suspect->tgid, error, suspect->report.context);
}

static void note_place(size_t index, uint64_t address, void *context)
{
	struct suspect *suspect = context;
	size_t nr = suspect->nr_places;

	for (size_t i = 0; i < nr; i++)
		if (suspect->places[i].address == address && suspect->places[i].breakpoint == index)
			return;
	if (nr == MAX_PLACES) {
		report_failure(suspect, -ENOSPC);
		return;
	}
	suspect->places[nr] = (struct code_place){ index, address };
	__atomic_store_n(&suspect->nr_places, nr + 1, __ATOMIC_RELEASE);
}

static void look_at_mapping(const struct mapping *map, void *context)
{
	const struct suspect *suspect = context;

	breakpoints__find(suspect->orders->breakpoints, suspect->mem_fd, map, note_place, context);
}

/* By any thread, at any time while the suspect is there. */
static void clear(struct suspect *suspect)
{
	size_t nr_places = __atomic_load_n(&suspect->nr_places, __ATOMIC_ACQUIRE);
	int nr = 0;

	for (size_t i = 0; i < nr_places; i++) {
		struct code_place *place = &suspect->places[i];
		uint64_t address = __atomic_load_n(&place->address, __ATOMIC_RELAXED);
		int taken = -ENOENT;

		if (!address)
			continue;
		taken = breakpoint__take_out(&suspect->orders->breakpoints->list[place->breakpoint],
					     suspect->mem_fd, address);
		if (taken == -ENOENT)
			__atomic_compare_exchange_n(&place->address, &address, 0, false,
						    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
		else if (taken < 0)
			report_failure(suspect, taken);
		else
			nr += taken;
	}
	if (nr && !__atomic_exchange_n(&suspect->reported, true, __ATOMIC_RELAXED))
		suspect->report.guarded(suspect->tgid, suspect->report.context);
}

/*
 * Whatever was mapped, the kernel may have split or joined the mapping next to it, and then it
 * writes all breakpoints there again.
 */
static void on_mapped(pid_t tgid, const struct mapping *map, void *context)
{
	struct suspect *suspect = context;

	if (tgid != suspect->tgid) {
		suspect->report.child(tgid, suspect->report.context);
		return;
	}
	if (map->inode)
		look_at_mapping(map, suspect);
	clear(suspect);
}

static void on_lost(void *context)
{
	struct suspect *suspect = context;

	suspect->look_again = true;
}

/*
 * Sees to what the records tell. Of several who come at a time one does it all, and the others need
 * not wait: that one could be waiting for the process.
 */
static void attend(struct suspect *suspect)
{
	__atomic_store_n(&suspect->dirty, true, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&suspect->dirty, __ATOMIC_SEQ_CST) &&
	       !pthread_mutex_trylock(&suspect->lock)) {
		while (__atomic_exchange_n(&suspect->dirty, false, __ATOMIC_SEQ_CST))
			map_watch__drain(suspect->watch);
		pthread_mutex_unlock(&suspect->lock);
	}
}

static void look_at_all(struct suspect *suspect, unsigned int round)
{
	clear(suspect);
	pthread_mutex_lock(&suspect->lock);
	suspect->look_again = false;
	if (breakpoints__nr(suspect->orders->breakpoints))
		process_view__each_mapping(suspect->tgid, look_at_mapping, suspect);
	pthread_mutex_unlock(&suspect->lock);
	clear(suspect);
	attend(suspect);
	__atomic_store_n(&suspect->round, round, __ATOMIC_RELEASE);
	eventfd_write(suspect->orders->news_fd, 1);
}

static void *run_runner(void *argument)
{
	const struct runner *runner = argument;
	struct pollfd ready[] = {
		{ .fd = runner->suspect->end_fd, .events = POLLIN },
		{ .fd = runner->fd, .events = POLLIN },
	};
	cpu_set_t cpus;

	if (runner->cpu != ANY_CPU && runner->cpu < CPU_SETSIZE) {
		CPU_ZERO(&cpus);
		CPU_SET((size_t)runner->cpu, &cpus);
		pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus);
	}
	for (;;) {
		poll(ready, 2, -1);
		if (ready[0].revents || ready[1].revents & POLLHUP)
			return NULL;
		/* First what needs no lock: nobody may hold us up now. */
		clear(runner->suspect);
		attend(runner->suspect);
	}
}

static int start_thread(pthread_t *thread, void *(*function)(void *), void *argument)
{
	pthread_attr_t attributes;
	int err = pthread_attr_init(&attributes);

	if (err)
		return -err;
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	err = pthread_create(thread, &attributes, function, argument);
	pthread_attr_destroy(&attributes);
	return -err;
}

static int start_runner(struct suspect *suspect, int fd, int cpu)
{
	struct runner *runner = &suspect->runners[suspect->nr_runners];
	int err;

	*runner = (struct runner){ .suspect = suspect, .fd = fd, .cpu = cpu };
	err = start_thread(&runner->thread, run_runner, runner);
	if (!err)
		suspect->nr_runners++;
	return err;
}

/* One for each CPU, or one for all. */
static int start_runners(struct suspect *suspect)
{
	const struct map_watch *watch = suspect->watch;
	size_t nr = map_watch__nr_fds(watch);
	struct epoll_event interest = { .events = EPOLLIN };
	int err = 0;

	if (nr <= MAX_RUNNERS) {
		for (size_t i = 0; i < nr && !err; i++)
			err = start_runner(suspect, map_watch__fd(watch, i),
					   map_watch__cpu(watch, i));
		return err;
	}
	suspect->all_fd = epoll_create1(EPOLL_CLOEXEC);
	if (suspect->all_fd < 0)
		return -errno;
	for (size_t i = 0; i < nr; i++)
		if (epoll_ctl(suspect->all_fd, EPOLL_CTL_ADD, map_watch__fd(watch, i), &interest))
			return -errno;
	return start_runner(suspect, suspect->all_fd, ANY_CPU);
}

static void end_runners(struct suspect *suspect)
{
	eventfd_write(suspect->end_fd, 1);
	while (suspect->nr_runners)
		pthread_join(suspect->runners[--suspect->nr_runners].thread, NULL);
}

/* Until something happens or is due. False: the process has ended. */
static bool wait_for_work(const struct suspect *suspect, uint64_t due_ns)
{
	struct pollfd ready[] = {
		{ .fd = suspect->pidfd, .events = POLLIN },
		{ .fd = suspect->wake_fd, .events = POLLIN },
	};
	uint64_t now_ns = monotonic_ns(), pause_ns = due_ns > now_ns ? due_ns - now_ns : 0;
	struct timespec pause = {
		.tv_sec = (time_t)(pause_ns / 1000000000ULL),
		.tv_nsec = (long)(pause_ns % 1000000000ULL),
	};
	eventfd_t woken;

	ppoll(ready, 2, due_ns == NEVER ? NULL : &pause, NULL);
	if (ready[1].revents)
		eventfd_read(suspect->wake_fd, &woken);
	return !ready[0].revents;
}

static void keep(struct suspect *suspect)
{
	uint64_t patrol_ns = 0;

	while (!__atomic_load_n(&suspect->stop, __ATOMIC_ACQUIRE)) {
		unsigned int round = __atomic_load_n(&suspect->orders->round, __ATOMIC_ACQUIRE);
		uint64_t due_ns = NEVER;

		attend(suspect);
		if (suspect->look_again || round != suspect->round)
			look_at_all(suspect, round);
		if (__atomic_load_n(&suspect->nr_places, __ATOMIC_RELAXED)) {
			/* Not every change of a mapping is recorded. */
			if (monotonic_ns() >= patrol_ns) {
				clear(suspect);
				patrol_ns = monotonic_ns() + PATROL_PAUSE_NS;
			}
			due_ns = patrol_ns;
		}
		if (!wait_for_work(suspect, due_ns))
			break;
	}
}

/* Memory first: it stays that of this program, whatever the process does then. */
static int open_process(struct suspect *suspect)
{
	struct map_watch_handlers handlers = { on_mapped, on_lost, suspect };

	suspect->mem_fd = process_view__open_memory(suspect->tgid);
	if (suspect->mem_fd < 0)
		return suspect->mem_fd;
	suspect->pidfd = (int)syscall(SYS_pidfd_open, suspect->tgid, 0);
	if (suspect->pidfd < 0)
		return -errno;
	suspect->watch = map_watch__new(suspect->tgid, &handlers);
	return suspect->watch ? 0 : -errno;
}

static void close_process(struct suspect *suspect)
{
	map_watch__free(suspect->watch);
	if (suspect->pidfd >= 0)
		close(suspect->pidfd);
	if (suspect->all_fd >= 0)
		close(suspect->all_fd);
}

static void *run_keeper(void *argument)
{
	struct suspect *suspect = argument;
	int err = open_process(suspect);

	if (!err)
		err = start_runners(suspect);
	if (err)
		report_failure(suspect, err);
	else
		keep(suspect);
	end_runners(suspect);
	close_process(suspect);
	__atomic_store_n(&suspect->ended, true, __ATOMIC_RELEASE);
	eventfd_write(suspect->orders->news_fd, 1);
	return NULL;
}

static void release(struct suspect *suspect)
{
	if (suspect->mem_fd >= 0)
		close(suspect->mem_fd);
	if (suspect->wake_fd >= 0)
		close(suspect->wake_fd);
	if (suspect->end_fd >= 0)
		close(suspect->end_fd);
	pthread_mutex_destroy(&suspect->lock);
	free(suspect);
}

struct suspect *suspect__new(pid_t tgid, struct suspect_orders *orders,
			     const struct suspect_report *report)
{
	struct suspect *suspect = calloc(1, sizeof(*suspect));
	int err = 0;

	if (!suspect)
		return NULL;
	suspect->tgid = tgid;
	suspect->orders = orders;
	suspect->report = *report;
	suspect->round = orders->round - 1; /* all is to be looked at */
	suspect->pidfd = suspect->mem_fd = suspect->all_fd = -1;
	pthread_mutex_init(&suspect->lock, NULL);
	suspect->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	suspect->end_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (suspect->wake_fd < 0 || suspect->end_fd < 0)
		err = -errno;
	if (!err)
		err = start_thread(&suspect->keeper, run_keeper, suspect);
	if (!err)
		return suspect;
	release(suspect);
	errno = -err;
	return NULL;
}

void suspect__stop(struct suspect *suspect)
{
	__atomic_store_n(&suspect->stop, true, __ATOMIC_RELEASE);
	suspect__wake(suspect);
}

bool suspect__ended(const struct suspect *suspect)
{
	return __atomic_load_n(&suspect->ended, __ATOMIC_ACQUIRE);
}

void suspect__free(struct suspect *suspect)
{
	if (!suspect)
		return;
	pthread_join(suspect->keeper, NULL);
	release(suspect);
}

pid_t suspect__tgid(const struct suspect *suspect)
{
	return suspect->tgid;
}

void suspect__wake(struct suspect *suspect)
{
	eventfd_write(suspect->wake_fd, 1);
}

unsigned int suspect__round(const struct suspect *suspect)
{
	return __atomic_load_n(&suspect->round, __ATOMIC_ACQUIRE);
}

void suspect__clear(struct suspect *suspect)
{
	clear(suspect);
}
