// SPDX-License-Identifier: GPL-2.0
/*
 * See guarded_processes.h. A lane of threads is bound to each CPU, and woken by mappings made
 * there. Such a thread preempts the translator before it returns from its system call. One more
 * lane does the work that no one waits for.
 *
 * One thread of a lane leads: it waits for the next task, and passes on the lead before it does the
 * task. So a thread that has to wait for a process delays no other task, and each guarded process
 * holds up one thread at most.
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
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "probes/guard/guard_budget.h"
#include "probes/guard/process_view.h"
#include "probes/guard/process_watch.h"
#include "probes/guard/guarded_process.h"

#define MAX_PROCESSES 4096
#define MAX_THREADS 256 /* of a lane */
#define STACK_BYTES (128 << 10)
#define ANY_CPU (-1)
#define NEWS UINT64_MAX
/* Above the main thread's priority, since that thread doesn't pause while probes are attached. */
#define LANE_PRIORITY 2
/*
 * If a guarded process was not looked at by then, a thread is waiting for its lock. The attaching
 * process will have to wait for that lock too.
 */
#define ROUND_LIMIT_NS 300000000ULL
/* After sweeping for this long, pause, so that the attaching process can run on this processor. */
#define SWEEP_NS 2000000ULL
#define SWEEP_ALONE_NS 200000ULL /* on a system with one processor */
/*
 * The pause between two patrols in quiet times. It is also at least this many times the cost of the
 * last patrol.
 */
#define PATROL_PAUSE_NS 10000000ULL
#define PATROL_REST 100

/* Warn at most once a minute that the guard can't serve all processes. */
#define TELL_WINDOWS 60

struct lane {
	struct guarded_processes *processes;
	size_t ring;
	int cpu;
	pthread_mutex_t lead;
	unsigned int nr_waiting; /* for the lead; atomic */
	unsigned int nr_threads; /* atomic */
};

struct guarded_processes {
	struct guarded_processes_report report;
	struct breakpoints breakpoints;
	struct guard_orders orders;
	struct process_watch *watch;
	struct lane *lanes; /* one for each ring, and one bound to no CPU */
	int epoll_fd, news_fd;
	bool records_lost; /* atomic */
	bool attaching; /* the main thread's own */
	struct guarded_process *swept[MAX_PROCESSES]; /* the main thread's own */
	/* Under the lock. */
	pthread_mutex_t lock;
	pthread_cond_t work_came;
	struct guarded_process *list[MAX_PROCESSES];
	size_t nr, next;
	struct guard_budget budget;
	uint64_t tell_window; /* the first window in which to warn again that the budget is spent */
	uint64_t patrol_ns; /* when the next patrol begins */
	uint64_t patrol_cost_ns; /* cost since the last patrol began */
};

/* ---- the list ---- */

static size_t find(const struct guarded_processes *processes, pid_t tgid)
{
	size_t i = 0;

	while (i < processes->nr && guarded_process__tgid(processes->list[i]) != tgid)
		i++;
	return i;
}

static struct guarded_process *find_ref(struct guarded_processes *processes, pid_t tgid)
{
	struct guarded_process *found = NULL;
	size_t i;

	pthread_mutex_lock(&processes->lock);
	i = find(processes, tgid);
	if (i < processes->nr)
		found = guarded_process__ref(processes->list[i]);
	pthread_mutex_unlock(&processes->lock);
	return found;
}

/* Under the lock. The caller drops the returned reference after unlocking. */
static struct guarded_process *take_off(struct guarded_processes *processes, size_t i)
{
	struct guarded_process *process;

	if (i >= processes->nr)
		return NULL;
	process = processes->list[i];
	processes->list[i] = processes->list[--processes->nr];
	epoll_ctl(processes->epoll_fd, EPOLL_CTL_DEL, guarded_process__pidfd(process), NULL);
	return process;
}

/* pidfd: forget only the process with this pidfd; -1: any. */
static void forget(struct guarded_processes *processes, pid_t tgid, int pidfd)
{
	struct guarded_process *process = NULL;
	size_t i;

	pthread_mutex_lock(&processes->lock);
	i = find(processes, tgid);
	if (i < processes->nr && (pidfd < 0 || guarded_process__pidfd(processes->list[i]) == pidfd))
		process = take_off(processes, i);
	pthread_mutex_unlock(&processes->lock);
	if (process)
		guarded_process__unref(process);
}

/* Under the lock. Makes room, if needed by removing a process that needs no guard any more. */
static struct guarded_process *make_room(struct guarded_processes *processes)
{
	size_t i = 0;

	if (processes->nr < MAX_PROCESSES)
		return NULL;
	while (i < processes->nr && !guarded_process__is_over(processes->list[i]))
		i++;
	return take_off(processes, i);
}

/* Takes over the reference. Returns whether the process was added. */
static bool enlist(struct guarded_processes *processes, struct guarded_process *process)
{
	struct epoll_event ended = { .events = EPOLLIN };
	pid_t tgid = guarded_process__tgid(process);
	struct guarded_process *gone;
	int err = 0;

	ended.data.u64 = (uint64_t)(uint32_t)tgid << 32 | (uint32_t)guarded_process__pidfd(process);
	pthread_mutex_lock(&processes->lock);
	gone = make_room(processes);
	if (find(processes, tgid) < processes->nr)
		err = -EEXIST;
	else if (processes->nr == MAX_PROCESSES)
		err = -ENOSPC;
	else if (epoll_ctl(processes->epoll_fd, EPOLL_CTL_ADD, guarded_process__pidfd(process),
			   &ended))
		err = -errno;
	else
		processes->list[processes->nr++] = process;
	pthread_mutex_unlock(&processes->lock);
	if (gone)
		guarded_process__unref(gone);
	if (err)
		guarded_process__unref(process);
	if (err && err != -EEXIST)
		processes->report.failed(tgid, err, processes->report.context);
	return !err;
}

/* Returns whether there is one more guarded process now. */
static bool look_at_process(struct guarded_processes *processes, pid_t tgid)
{
	enum translator_kind kind = process_view__kind(tgid);
	struct guarded_process *process = kind ? find_ref(processes, tgid) : NULL;

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
	return enlist(processes, process);
}

/* ---- lanes ---- */

/* Must the process wait until others have had their share? Under the lock. */
static bool must_wait(struct guarded_processes *processes, struct guarded_process *process)
{
	return guard_budget__is_spent(&processes->budget, guarded_process__share(process),
				      clock__monotonic_ns());
}

/*
 * If the process has had more than its share, its new mapping is looked at later, with all others.
 * Returns whether that is so.
 */
static bool put_off(struct guarded_processes *processes, struct guarded_process *process)
{
	bool tell = false, wait;

	pthread_mutex_lock(&processes->lock);
	wait = must_wait(processes, process);
	if (wait) {
		tell = processes->budget.window >= processes->tell_window;
		if (tell)
			processes->tell_window = processes->budget.window + TELL_WINDOWS;
		guarded_process__want(process, GUARD_LOOK);
	}
	pthread_mutex_unlock(&processes->lock);
	if (tell)
		processes->report.failed(guarded_process__tgid(process), -EBUSY,
					 processes->report.context);
	return wait;
}

/* map: the new mapping, or NULL. Consumes the reference. */
static void serve(struct guarded_processes *processes, struct guarded_process *process,
		  const struct mapping *map)
{
	uint64_t before_ns = clock__thread_cpu_ns(), spent_ns;

	if (map)
		guarded_process__mapped(process, map);
	else
		guarded_process__attend(process);
	spent_ns = clock__thread_cpu_ns() - before_ns;
	pthread_mutex_lock(&processes->lock);
	guard_budget__spend(&processes->budget, guarded_process__share(process),
			    clock__monotonic_ns(), spent_ns);
	pthread_mutex_unlock(&processes->lock);
	guarded_process__unref(process);
}

/* A task that a leader found. */
struct task {
	enum watch_event event; /* WATCH_OTHER: attend to the process */
	pid_t tgid;
	struct mapping map;
	struct guarded_process *process;
	union perf_record record;
};

static void begin_patrol(struct guarded_processes *processes, uint64_t now_ns)
{
	uint64_t rest_ns = processes->patrol_cost_ns * PATROL_REST;

	for (size_t i = 0; i < processes->nr; i++)
		guarded_process__want(processes->list[i], GUARD_CLEAR);
	processes->patrol_ns = now_ns + (rest_ns > PATROL_PAUSE_NS ? rest_ns : PATROL_PAUSE_NS);
	processes->patrol_cost_ns = 0;
}

static struct guarded_process *find_work(struct guarded_processes *processes)
{
	for (size_t n = 0; n < processes->nr; n++) {
		struct guarded_process *process =
			processes->list[processes->next++ % processes->nr];

		if (guarded_process__has_work(process) && !must_wait(processes, process))
			return guarded_process__ref(process);
	}
	return NULL;
}

/* Some changes of mappings are not recorded, so there are patrols. */
static void take_process(struct guarded_processes *processes, struct task *task)
{
	uint64_t now_ns;
	struct timespec due;

	task->event = WATCH_OTHER;
	pthread_mutex_lock(&processes->lock);
	for (;;) {
		now_ns = clock__monotonic_ns();
		if (processes->nr && now_ns >= processes->patrol_ns)
			begin_patrol(processes, now_ns);
		task->process = find_work(processes);
		if (task->process)
			break;
		due = clock__timespec(processes->patrol_ns);
		if (processes->nr)
			pthread_cond_timedwait(&processes->work_came, &processes->lock, &due);
		else
			pthread_cond_wait(&processes->work_came, &processes->lock);
	}
	pthread_mutex_unlock(&processes->lock);
}

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
			forget(processes, task->tgid, -1);
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

	if (task->event == WATCH_OTHER) {
		serve(processes, task->process, NULL);
		return;
	}
	/*
	 * A forked child of a guarded process is a translator too; its first mapping makes it
	 * known.
	 */
	process = find_ref(processes, task->tgid);
	if (!process && look_at_process(processes, task->tgid)) {
		process = find_ref(processes, task->tgid);
		pthread_cond_signal(&processes->work_came); /* patrols begin now */
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
	/* The request can be refused, as for the main thread. */
	pthread_setschedparam(pthread_self(), SCHED_FIFO, &priority);
}

/* All the work of the patrol lane counts as its cost, not only the work on guarded processes. */
static uint64_t add_patrol_cost(struct guarded_processes *processes, uint64_t from_ns)
{
	uint64_t now_ns = clock__thread_cpu_ns();

	pthread_mutex_lock(&processes->lock);
	processes->patrol_cost_ns += now_ns - from_ns;
	pthread_mutex_unlock(&processes->lock);
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
			take_process(lane->processes, &task);
		else
			take_record(lane->processes, lane->ring, &task);
		pthread_mutex_unlock(&lane->lead);
		/* Another thread has to lead while this one waits for a process. */
		if (!__atomic_load_n(&lane->nr_waiting, __ATOMIC_SEQ_CST) &&
		    __atomic_load_n(&lane->nr_threads, __ATOMIC_SEQ_CST) < MAX_THREADS)
			start_thread(lane);
		carry_out(lane->processes, &task);
		if (lane->cpu == ANY_CPU)
			cost_from_ns = add_patrol_cost(lane->processes, cost_from_ns);
		__atomic_fetch_add(&lane->nr_waiting, 1, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

static int start_lanes(struct guarded_processes *processes)
{
	size_t nr_rings = process_watch__nr_rings(processes->watch);
	int err = 0;

	processes->lanes = calloc(nr_rings + 1, sizeof(*processes->lanes));
	if (!processes->lanes)
		return -ENOMEM;
	for (size_t i = 0; i <= nr_rings && !err; i++) {
		struct lane *lane = &processes->lanes[i];

		lane->processes = processes;
		lane->ring = i;
		lane->cpu = i < nr_rings ? process_watch__cpu(processes->watch, i) : ANY_CPU;
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

/* Has all mappings looked at again: first in the processes that are known already. */
static void begin_round(struct guarded_processes *processes)
{
	__atomic_fetch_add(&processes->orders.round, 1, __ATOMIC_RELEASE);
	pthread_mutex_lock(&processes->lock);
	for (size_t i = 0; i < processes->nr; i++)
		guarded_process__want(processes->list[i], GUARD_LOOK);
	pthread_cond_signal(&processes->work_came);
	pthread_mutex_unlock(&processes->lock);
	process_view__each_process(look_at_running, processes);
	pthread_cond_signal(&processes->work_came);
}

static bool round_is_complete(struct guarded_processes *processes)
{
	bool complete = true;

	pthread_mutex_lock(&processes->lock);
	for (size_t i = 0; i < processes->nr && complete; i++)
		complete = guarded_process__is_over(processes->list[i]) ||
			   guarded_process__round(processes->list[i]) == processes->orders.round;
	pthread_mutex_unlock(&processes->lock);
	return complete;
}

static void finish_round(struct guarded_processes *processes)
{
	uint64_t limit_ns = clock__monotonic_ns() + ROUND_LIMIT_NS;

	while (!round_is_complete(processes) && clock__monotonic_ns() < limit_ns) {
		guarded_processes__work(processes);
		poll(NULL, 0, 1);
	}
}

static int set_up(struct guarded_processes *processes)
{
	struct epoll_event news = { .events = EPOLLIN, .data.u64 = NEWS };
	pthread_condattr_t monotonic;

	pthread_mutex_init(&processes->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&processes->work_came, &monotonic);
	guard_budget__init(&processes->budget, (unsigned int)sysconf(_SC_NPROCESSORS_ONLN));
	processes->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	processes->news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	processes->watch = process_watch__new();
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
	return start_lanes(processes);
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
	size_t nr;

	pthread_mutex_lock(&processes->lock);
	nr = processes->nr;
	for (size_t i = 0; i < nr; i++)
		processes->swept[i] = guarded_process__ref(processes->list[i]);
	pthread_mutex_unlock(&processes->lock);
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
			forget(processes, (pid_t)(events[i].data.u64 >> 32),
			       (int)(uint32_t)events[i].data.u64);
	}
	if (__atomic_exchange_n(&processes->records_lost, false, __ATOMIC_ACQ_REL))
		begin_round(processes);
	if (processes->attaching)
		sweep(processes);
}
