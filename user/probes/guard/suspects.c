// SPDX-License-Identifier: GPL-2.0
/*
 * See suspects.h. A lane of threads is bound to each CPU, and woken by what is mapped there: such a
 * thread precedes the translator, which has to give way to it before it returns from its system
 * call. One more lane does what nobody waits for.
 *
 * Of a lane's threads one leads: it waits for the next thing to do, and hands on the lead before it
 * does it. So whoever has to wait for a process holds up no other, and each suspect holds up one
 * thread at most.
 *
 * The main thread waits for no process. But while probes are being attached it takes breakpoints
 * out of all of them, one after the other without a break: the one who attaches has to wait for the
 * same locks.
 */
#include "probes/guard/suspects.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "probes/guard/guard_budget.h"
#include "probes/guard/process_view.h"
#include "probes/guard/process_watch.h"
#include "probes/guard/suspect.h"

#define MAX_SUSPECTS 4096
#define MAX_THREADS 256 /* of a lane */
#define STACK_BYTES (128 << 10)
#define ANY_CPU (-1)
#define NEWS UINT64_MAX
/* Above the main thread's, which doesn't pause while probes are attached. */
#define LANE_PRIORITY 2
/*
 * A suspect that was not looked at by then is one whose lock is waited for, which whoever attaches
 * will have to wait for too.
 */
#define ROUND_LIMIT_NS 300000000ULL
/* A spell of that, and then a pause in which whoever attaches can run on this processor. */
#define SWEEP_NS 2000000ULL
#define SWEEP_ALONE_NS 200000ULL /* there is no other */
/* Between two looks in quiet times, and at least so many times what the last ones took. */
#define PATROL_PAUSE_NS 10000000ULL
#define PATROL_REST 100

/* A minute between two words that the guard does not get to all. */
#define TELL_WINDOWS 60

struct lane {
	struct suspects *suspects;
	size_t ring;
	int cpu;
	pthread_mutex_t lead;
	unsigned int nr_waiting; /* for the lead; atomic */
	unsigned int nr_threads; /* atomic */
};

struct suspects {
	struct suspects_report report;
	struct breakpoints breakpoints;
	struct suspect_orders orders;
	struct process_watch *watch;
	struct lane *lanes; /* one for each ring, and the one that is bound to none */
	int epoll_fd, news_fd;
	bool records_lost; /* atomic */
	bool attaching; /* the main thread's own */
	struct suspect *swept[MAX_SUSPECTS]; /* the main thread's own */
	/* Under the lock. */
	pthread_mutex_t lock;
	pthread_cond_t work_came;
	struct suspect *list[MAX_SUSPECTS];
	size_t nr, next;
	struct guard_budget budget;
	uint64_t tell_window; /* of that budget: the next in which to say that it is spent */
	uint64_t patrol_ns; /* when the next one begins */
	uint64_t patrol_cost_ns; /* since the last one began */
};

static uint64_t time_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

/* ---- the list ---- */

static size_t find(const struct suspects *suspects, pid_t tgid)
{
	size_t i = 0;

	while (i < suspects->nr && suspect__tgid(suspects->list[i]) != tgid)
		i++;
	return i;
}

static struct suspect *find_ref(struct suspects *suspects, pid_t tgid)
{
	struct suspect *found = NULL;
	size_t i;

	pthread_mutex_lock(&suspects->lock);
	i = find(suspects, tgid);
	if (i < suspects->nr)
		found = suspect__ref(suspects->list[i]);
	pthread_mutex_unlock(&suspects->lock);
	return found;
}

/* Under the lock. Returns what is to be unreferenced without it. */
static struct suspect *take_off(struct suspects *suspects, size_t i)
{
	struct suspect *suspect;

	if (i >= suspects->nr)
		return NULL;
	suspect = suspects->list[i];
	suspects->list[i] = suspects->list[--suspects->nr];
	epoll_ctl(suspects->epoll_fd, EPOLL_CTL_DEL, suspect__pidfd(suspect), NULL);
	return suspect;
}

/* pidfd: of that one only, or -1. */
static void forget(struct suspects *suspects, pid_t tgid, int pidfd)
{
	struct suspect *suspect = NULL;
	size_t i;

	pthread_mutex_lock(&suspects->lock);
	i = find(suspects, tgid);
	if (i < suspects->nr && (pidfd < 0 || suspect__pidfd(suspects->list[i]) == pidfd))
		suspect = take_off(suspects, i);
	pthread_mutex_unlock(&suspects->lock);
	if (suspect)
		suspect__unref(suspect);
}

/* Under the lock: room, if need be that of one that is known to be none. */
static struct suspect *make_room(struct suspects *suspects)
{
	size_t i = 0;

	if (suspects->nr < MAX_SUSPECTS)
		return NULL;
	while (i < suspects->nr && !suspect__is_over(suspects->list[i]))
		i++;
	return take_off(suspects, i);
}

/* Takes over the reference. Is it one more? */
static bool enlist(struct suspects *suspects, struct suspect *suspect)
{
	struct epoll_event ended = { .events = EPOLLIN };
	pid_t tgid = suspect__tgid(suspect);
	struct suspect *gone;
	int err = 0;

	ended.data.u64 = (uint64_t)(uint32_t)tgid << 32 | (uint32_t)suspect__pidfd(suspect);
	pthread_mutex_lock(&suspects->lock);
	gone = make_room(suspects);
	if (find(suspects, tgid) < suspects->nr)
		err = -EEXIST;
	else if (suspects->nr == MAX_SUSPECTS)
		err = -ENOSPC;
	else if (epoll_ctl(suspects->epoll_fd, EPOLL_CTL_ADD, suspect__pidfd(suspect), &ended))
		err = -errno;
	else
		suspects->list[suspects->nr++] = suspect;
	pthread_mutex_unlock(&suspects->lock);
	if (gone)
		suspect__unref(gone);
	if (err)
		suspect__unref(suspect);
	if (err && err != -EEXIST)
		suspects->report.failed(tgid, err, suspects->report.context);
	return !err;
}

/* Is there one more suspect now? */
static bool look_at_process(struct suspects *suspects, pid_t tgid)
{
	enum translator_kind kind = process_view__kind(tgid);
	struct suspect *suspect = kind ? find_ref(suspects, tgid) : NULL;

	if (!kind || suspect) {
		if (suspect)
			suspect__unref(suspect);
		return false;
	}
	suspect = suspect__new(tgid, kind, &suspects->orders);
	if (!suspect) {
		if (errno != ESRCH)
			suspects->report.failed(tgid, -errno, suspects->report.context);
		return false;
	}
	return enlist(suspects, suspect);
}

/* ---- lanes ---- */

/* Has it to wait until others have had their share? Under the lock. */
static bool must_wait(struct suspects *suspects, struct suspect *suspect)
{
	return guard_budget__is_spent(&suspects->budget, suspect__share(suspect),
				      time_ns(CLOCK_MONOTONIC));
}

/* The mapping is looked at later, with all others, when this one has had more than its share. */
static bool put_off(struct suspects *suspects, struct suspect *suspect)
{
	bool tell = false, wait;

	pthread_mutex_lock(&suspects->lock);
	wait = must_wait(suspects, suspect);
	if (wait) {
		tell = suspects->budget.window >= suspects->tell_window;
		if (tell)
			suspects->tell_window = suspects->budget.window + TELL_WINDOWS;
		suspect__want(suspect, SUSPECT_LOOK);
	}
	pthread_mutex_unlock(&suspects->lock);
	if (tell)
		suspects->report.failed(suspect__tgid(suspect), -EBUSY, suspects->report.context);
	return wait;
}

/* map: what it mapped, or NULL. Uses up the reference. */
static void serve(struct suspects *suspects, struct suspect *suspect, const struct mapping *map)
{
	uint64_t before_ns = time_ns(CLOCK_THREAD_CPUTIME_ID), spent_ns;

	if (map)
		suspect__mapped(suspect, map);
	else
		suspect__attend(suspect);
	spent_ns = time_ns(CLOCK_THREAD_CPUTIME_ID) - before_ns;
	pthread_mutex_lock(&suspects->lock);
	guard_budget__spend(&suspects->budget, suspect__share(suspect), time_ns(CLOCK_MONOTONIC),
			    spent_ns);
	pthread_mutex_unlock(&suspects->lock);
	suspect__unref(suspect);
}

/* What a leader found to do. */
struct task {
	enum watch_event event; /* or WATCH_OTHER: the suspect is to be attended to */
	pid_t tgid;
	struct mapping map;
	struct suspect *suspect;
	union perf_record record;
};

static void begin_patrol(struct suspects *suspects, uint64_t now_ns)
{
	uint64_t rest_ns = suspects->patrol_cost_ns * PATROL_REST;

	for (size_t i = 0; i < suspects->nr; i++)
		suspect__want(suspects->list[i], SUSPECT_CLEAR);
	suspects->patrol_ns = now_ns + (rest_ns > PATROL_PAUSE_NS ? rest_ns : PATROL_PAUSE_NS);
	suspects->patrol_cost_ns = 0;
}

static struct suspect *find_work(struct suspects *suspects)
{
	for (size_t n = 0; n < suspects->nr; n++) {
		struct suspect *suspect = suspects->list[suspects->next++ % suspects->nr];

		if (suspect__has_work(suspect) && !must_wait(suspects, suspect))
			return suspect__ref(suspect);
	}
	return NULL;
}

/* Not every change of a mapping is recorded: so there are patrols. */
static void take_suspect(struct suspects *suspects, struct task *task)
{
	uint64_t now_ns;
	struct timespec due;

	task->event = WATCH_OTHER;
	pthread_mutex_lock(&suspects->lock);
	for (;;) {
		now_ns = time_ns(CLOCK_MONOTONIC);
		if (suspects->nr && now_ns >= suspects->patrol_ns)
			begin_patrol(suspects, now_ns);
		task->suspect = find_work(suspects);
		if (task->suspect)
			break;
		due.tv_sec = (time_t)(suspects->patrol_ns / 1000000000ULL);
		due.tv_nsec = (long)(suspects->patrol_ns % 1000000000ULL);
		if (suspects->nr)
			pthread_cond_timedwait(&suspects->work_came, &suspects->lock, &due);
		else
			pthread_cond_wait(&suspects->work_came, &suspects->lock);
	}
	pthread_mutex_unlock(&suspects->lock);
}

/* Nearly all programs that begin are none: those are done with by the one who leads. */
static void take_record(struct suspects *suspects, size_t ring, struct task *task)
{
	struct pollfd ready = { .fd = process_watch__fd(suspects->watch, ring), .events = POLLIN };

	for (;;) {
		task->event = process_watch__take(suspects->watch, ring, &task->record, &task->map);
		switch (task->event) {
		case WATCH_EXECED:
			task->tgid = perf_record__tgid(&task->record);
			forget(suspects, task->tgid, -1);
			if (process_view__kind(task->tgid))
				return;
			break;
		case WATCH_MAPPED:
			task->tgid = perf_record__tgid(&task->record);
			return;
		case WATCH_LOST:
			__atomic_store_n(&suspects->records_lost, true, __ATOMIC_RELEASE);
			eventfd_write(suspects->news_fd, 1);
			break;
		case WATCH_NOTHING:
			poll(&ready, 1, -1);
			break;
		case WATCH_OTHER:
			break;
		}
	}
}

static void carry_out(struct suspects *suspects, struct task *task)
{
	struct suspect *suspect;

	if (task->event == WATCH_OTHER) {
		serve(suspects, task->suspect, NULL);
		return;
	}
	/* A child that a suspect forked is one, too, and heard of when it maps something. */
	suspect = find_ref(suspects, task->tgid);
	if (!suspect && look_at_process(suspects, task->tgid)) {
		suspect = find_ref(suspects, task->tgid);
		pthread_cond_signal(&suspects->work_came); /* there are patrols from now on */
		task->event = WATCH_EXECED; /* all of it is to be looked at */
	}
	if (!suspect)
		return;
	if (task->event == WATCH_EXECED)
		serve(suspects, suspect, NULL);
	else if (suspect__is_over(suspect) || put_off(suspects, suspect))
		suspect__unref(suspect);
	else
		serve(suspects, suspect, &task->map);
}

static void *run_lane(void *argument);

static int start_thread(struct lane *lane)
{
	pthread_attr_t attributes;
	pthread_t thread;
	int err = pthread_attr_init(&attributes);

	if (err)
		return -err;
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	__atomic_fetch_add(&lane->nr_waiting, 1, __ATOMIC_SEQ_CST);
	err = pthread_create(&thread, &attributes, run_lane, lane);
	if (err)
		__atomic_fetch_sub(&lane->nr_waiting, 1, __ATOMIC_SEQ_CST);
	else
		__atomic_fetch_add(&lane->nr_threads, 1, __ATOMIC_SEQ_CST);
	pthread_attr_destroy(&attributes);
	return -err;
}

static void precede(int cpu)
{
	struct sched_param priority = { .sched_priority = LANE_PRIORITY };
	cpu_set_t cpus;

	if (cpu == ANY_CPU || cpu >= CPU_SETSIZE)
		return;
	CPU_ZERO(&cpus);
	CPU_SET((size_t)cpu, &cpus);
	pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus);
	/* This can be refused, as to the main thread. */
	pthread_setschedparam(pthread_self(), SCHED_FIFO, &priority);
}

/* All that the lane of the patrols does counts, not only what is done to a suspect. */
static uint64_t add_patrol_cost(struct suspects *suspects, uint64_t from_ns)
{
	uint64_t now_ns = time_ns(CLOCK_THREAD_CPUTIME_ID);

	pthread_mutex_lock(&suspects->lock);
	suspects->patrol_cost_ns += now_ns - from_ns;
	pthread_mutex_unlock(&suspects->lock);
	return now_ns;
}

static void *run_lane(void *argument)
{
	struct lane *lane = argument;
	uint64_t cost_from_ns = 0;
	struct task task;

	precede(lane->cpu);
	for (;;) {
		pthread_mutex_lock(&lane->lead);
		__atomic_fetch_sub(&lane->nr_waiting, 1, __ATOMIC_SEQ_CST);
		if (lane->cpu == ANY_CPU)
			take_suspect(lane->suspects, &task);
		else
			take_record(lane->suspects, lane->ring, &task);
		pthread_mutex_unlock(&lane->lead);
		/* Someone has to lead while this one waits for a process. */
		if (!__atomic_load_n(&lane->nr_waiting, __ATOMIC_SEQ_CST) &&
		    __atomic_load_n(&lane->nr_threads, __ATOMIC_SEQ_CST) < MAX_THREADS)
			start_thread(lane);
		carry_out(lane->suspects, &task);
		if (lane->cpu == ANY_CPU)
			cost_from_ns = add_patrol_cost(lane->suspects, cost_from_ns);
		__atomic_fetch_add(&lane->nr_waiting, 1, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

static int start_lanes(struct suspects *suspects)
{
	size_t nr_rings = process_watch__nr_rings(suspects->watch);
	int err = 0;

	suspects->lanes = calloc(nr_rings + 1, sizeof(*suspects->lanes));
	if (!suspects->lanes)
		return -ENOMEM;
	for (size_t i = 0; i <= nr_rings && !err; i++) {
		struct lane *lane = &suspects->lanes[i];

		lane->suspects = suspects;
		lane->ring = i;
		lane->cpu = i < nr_rings ? process_watch__cpu(suspects->watch, i) : ANY_CPU;
		pthread_mutex_init(&lane->lead, NULL);
		err = start_thread(lane);
		if (!err)
			err = start_thread(lane);
	}
	return err;
}

/* ---- the main thread ---- */

static void look_at_running(pid_t tgid, void *context)
{
	look_at_process(context, tgid);
}

/* All is to be looked at: first in those that are known already. */
static void begin_round(struct suspects *suspects)
{
	__atomic_fetch_add(&suspects->orders.round, 1, __ATOMIC_RELEASE);
	pthread_mutex_lock(&suspects->lock);
	for (size_t i = 0; i < suspects->nr; i++)
		suspect__want(suspects->list[i], SUSPECT_LOOK);
	pthread_cond_signal(&suspects->work_came);
	pthread_mutex_unlock(&suspects->lock);
	process_view__each_process(look_at_running, suspects);
	pthread_cond_signal(&suspects->work_came);
}

static bool round_is_complete(struct suspects *suspects)
{
	bool complete = true;

	pthread_mutex_lock(&suspects->lock);
	for (size_t i = 0; i < suspects->nr && complete; i++)
		complete = suspect__is_over(suspects->list[i]) ||
			   suspect__round(suspects->list[i]) == suspects->orders.round;
	pthread_mutex_unlock(&suspects->lock);
	return complete;
}

static void finish_round(struct suspects *suspects)
{
	uint64_t limit_ns = time_ns(CLOCK_MONOTONIC) + ROUND_LIMIT_NS;

	while (!round_is_complete(suspects) && time_ns(CLOCK_MONOTONIC) < limit_ns) {
		suspects__work(suspects);
		poll(NULL, 0, 1);
	}
}

static int set_up(struct suspects *suspects)
{
	struct epoll_event news = { .events = EPOLLIN, .data.u64 = NEWS };
	pthread_condattr_t monotonic;

	pthread_mutex_init(&suspects->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&suspects->work_came, &monotonic);
	guard_budget__init(&suspects->budget, (unsigned int)sysconf(_SC_NPROCESSORS_ONLN));
	suspects->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	suspects->news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	suspects->watch = process_watch__new();
	if (!suspects->watch || suspects->epoll_fd < 0 || suspects->news_fd < 0 ||
	    epoll_ctl(suspects->epoll_fd, EPOLL_CTL_ADD, suspects->news_fd, &news))
		return -errno;
	suspects->orders = (struct suspect_orders){
		.breakpoints = &suspects->breakpoints,
		.watch = suspects->watch,
		.guarded = suspects->report.guarded,
		.failed = suspects->report.failed,
		.context = suspects->report.context,
	};
	return start_lanes(suspects);
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
		errno = -err; /* the process is about to end, and everything with it */
		return NULL;
	}
	begin_round(suspects);
	return suspects;
}

int suspects__add_code(struct suspects *suspects, const struct breakpoint *breakpoint)
{
	return breakpoints__add(&suspects->breakpoints, breakpoint);
}

/* Returns whether there are any. */
static bool clear_all(struct suspects *suspects)
{
	size_t nr;

	pthread_mutex_lock(&suspects->lock);
	nr = suspects->nr;
	for (size_t i = 0; i < nr; i++)
		suspects->swept[i] = suspect__ref(suspects->list[i]);
	pthread_mutex_unlock(&suspects->lock);
	for (size_t i = 0; i < nr; i++) {
		suspect__clear(suspects->swept[i]);
		suspect__unref(suspects->swept[i]);
	}
	return nr;
}

static void sweep(struct suspects *suspects)
{
	bool alone = sysconf(_SC_NPROCESSORS_ONLN) < 2;
	uint64_t until_ns = time_ns(CLOCK_MONOTONIC) + (alone ? SWEEP_ALONE_NS : SWEEP_NS);

	while (clear_all(suspects) && time_ns(CLOCK_MONOTONIC) < until_ns)
		;
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
	struct epoll_event events[16];
	int nr = epoll_wait(suspects->epoll_fd, events, 16, 0);
	eventfd_t news;

	for (int i = 0; i < nr; i++) {
		if (events[i].data.u64 == NEWS)
			eventfd_read(suspects->news_fd, &news);
		else
			forget(suspects, (pid_t)(events[i].data.u64 >> 32),
			       (int)(uint32_t)events[i].data.u64);
	}
	if (__atomic_exchange_n(&suspects->records_lost, false, __ATOMIC_ACQ_REL))
		begin_round(suspects);
	if (suspects->attaching)
		sweep(suspects);
}
