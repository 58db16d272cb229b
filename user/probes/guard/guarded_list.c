// SPDX-License-Identifier: GPL-2.0
/* See guarded_list.h. Used by guarded_processes.c. */
#include "probes/guard/guarded_list.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "probes/guard/guard_budget.h"

/*
 * The pause between two patrols in quiet times. It is also at least this many times the cost of the
 * last patrol.
 */
#define PATROL_PAUSE_NS 10000000ULL
#define PATROL_REST 100

/* Warn at most once a minute that the guard can't serve all processes. */
#define TELL_WINDOWS 60

struct guarded_list {
	int epoll_fd;
	/* Under the lock. */
	pthread_mutex_t lock;
	pthread_cond_t work_came;
	struct guarded_process *processes[GUARDED_LIST_MAX];
	size_t nr, next;
	struct guard_budget budget;
	uint64_t tell_window; /* the first window in which to warn again that the budget is spent */
	uint64_t patrol_ns; /* when the next patrol begins */
	uint64_t patrol_cost_ns; /* cost since the last patrol began */
};

struct guarded_list *guarded_list__new(int epoll_fd)
{
	struct guarded_list *list = calloc(1, sizeof(*list));
	pthread_condattr_t monotonic;

	if (!list)
		return NULL;
	list->epoll_fd = epoll_fd;
	pthread_mutex_init(&list->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&list->work_came, &monotonic);
	guard_budget__init(&list->budget, (unsigned int)sysconf(_SC_NPROCESSORS_ONLN));
	return list;
}

static size_t find(const struct guarded_list *list, pid_t tgid)
{
	size_t i = 0;

	while (i < list->nr && guarded_process__tgid(list->processes[i]) != tgid)
		i++;
	return i;
}

struct guarded_process *guarded_list__find(struct guarded_list *list, pid_t tgid)
{
	struct guarded_process *found = NULL;
	size_t i;

	pthread_mutex_lock(&list->lock);
	i = find(list, tgid);
	if (i < list->nr)
		found = guarded_process__ref(list->processes[i]);
	pthread_mutex_unlock(&list->lock);
	return found;
}

size_t guarded_list__find_all(struct guarded_list *list,
			      struct guarded_process *processes[GUARDED_LIST_MAX])
{
	size_t nr;

	pthread_mutex_lock(&list->lock);
	nr = list->nr;
	for (size_t i = 0; i < nr; i++)
		processes[i] = guarded_process__ref(list->processes[i]);
	pthread_mutex_unlock(&list->lock);
	return nr;
}

/* Under the lock. The caller drops the returned reference after unlocking. */
static struct guarded_process *take_off(struct guarded_list *list, size_t i)
{
	struct guarded_process *process;

	if (i >= list->nr)
		return NULL;
	process = list->processes[i];
	list->processes[i] = list->processes[--list->nr];
	epoll_ctl(list->epoll_fd, EPOLL_CTL_DEL, guarded_process__pidfd(process), NULL);
	return process;
}

/* pidfd: forget only the process with this pidfd; -1: any. */
static void forget(struct guarded_list *list, pid_t tgid, int pidfd)
{
	struct guarded_process *process = NULL;
	size_t i;

	pthread_mutex_lock(&list->lock);
	i = find(list, tgid);
	if (i < list->nr && (pidfd < 0 || guarded_process__pidfd(list->processes[i]) == pidfd))
		process = take_off(list, i);
	pthread_mutex_unlock(&list->lock);
	if (process)
		guarded_process__unref(process);
}

void guarded_list__forget(struct guarded_list *list, pid_t tgid)
{
	forget(list, tgid, -1);
}

void guarded_list__forget_ended(struct guarded_list *list, uint64_t event_data)
{
	forget(list, (pid_t)(event_data >> 32), (int)(uint32_t)event_data);
}

/* Under the lock. Makes room, if needed by removing a process that needs no guard any more. */
static struct guarded_process *make_room(struct guarded_list *list)
{
	size_t i = 0;

	if (list->nr < GUARDED_LIST_MAX)
		return NULL;
	while (i < list->nr && !guarded_process__is_over(list->processes[i]))
		i++;
	return take_off(list, i);
}

int guarded_list__add(struct guarded_list *list, struct guarded_process *process)
{
	struct epoll_event ended = { .events = EPOLLIN };
	pid_t tgid = guarded_process__tgid(process);
	struct guarded_process *gone;
	int err = 0;

	ended.data.u64 = (uint64_t)(uint32_t)tgid << 32 | (uint32_t)guarded_process__pidfd(process);
	pthread_mutex_lock(&list->lock);
	gone = make_room(list);
	if (find(list, tgid) < list->nr)
		err = -EEXIST;
	else if (list->nr == GUARDED_LIST_MAX)
		err = -ENOSPC;
	else if (epoll_ctl(list->epoll_fd, EPOLL_CTL_ADD, guarded_process__pidfd(process), &ended))
		err = -errno;
	else
		list->processes[list->nr++] = process;
	pthread_mutex_unlock(&list->lock);
	if (gone)
		guarded_process__unref(gone);
	if (err)
		guarded_process__unref(process);
	return err;
}

bool guarded_list__round_is_complete(struct guarded_list *list, unsigned int round)
{
	bool complete = true;

	pthread_mutex_lock(&list->lock);
	for (size_t i = 0; i < list->nr && complete; i++)
		complete = guarded_process__is_over(list->processes[i]) ||
			   guarded_process__round(list->processes[i]) == round;
	pthread_mutex_unlock(&list->lock);
	return complete;
}

void guarded_list__want(struct guarded_list *list, enum guard_work work)
{
	pthread_mutex_lock(&list->lock);
	for (size_t i = 0; i < list->nr; i++)
		guarded_process__want(list->processes[i], work);
	pthread_cond_signal(&list->work_came);
	pthread_mutex_unlock(&list->lock);
}

void guarded_list__wake(struct guarded_list *list)
{
	pthread_cond_signal(&list->work_came);
}

/* Must the process wait until others have had their share? Under the lock. */
static bool must_wait(struct guarded_list *list, struct guarded_process *process)
{
	return guard_budget__is_spent(&list->budget, guarded_process__share(process),
				      clock__monotonic_ns());
}

static void begin_patrol(struct guarded_list *list, uint64_t now_ns)
{
	uint64_t rest_ns = list->patrol_cost_ns * PATROL_REST;

	for (size_t i = 0; i < list->nr; i++)
		guarded_process__want(list->processes[i], GUARD_CLEAR);
	list->patrol_ns = now_ns + (rest_ns > PATROL_PAUSE_NS ? rest_ns : PATROL_PAUSE_NS);
	list->patrol_cost_ns = 0;
}

static struct guarded_process *find_work(struct guarded_list *list)
{
	for (size_t n = 0; n < list->nr; n++) {
		struct guarded_process *process = list->processes[list->next++ % list->nr];

		if (guarded_process__has_work(process) && !must_wait(list, process))
			return guarded_process__ref(process);
	}
	return NULL;
}

/* Some changes of mappings are not recorded, so there are patrols. */
struct guarded_process *guarded_list__wait_for_work(struct guarded_list *list)
{
	struct guarded_process *process;
	uint64_t now_ns;
	struct timespec due;

	pthread_mutex_lock(&list->lock);
	for (;;) {
		now_ns = clock__monotonic_ns();
		if (list->nr && now_ns >= list->patrol_ns)
			begin_patrol(list, now_ns);
		process = find_work(list);
		if (process)
			break;
		due = clock__timespec(list->patrol_ns);
		if (list->nr)
			pthread_cond_timedwait(&list->work_came, &list->lock, &due);
		else
			pthread_cond_wait(&list->work_came, &list->lock);
	}
	pthread_mutex_unlock(&list->lock);
	return process;
}

void guarded_list__add_patrol_cost(struct guarded_list *list, uint64_t ns)
{
	pthread_mutex_lock(&list->lock);
	list->patrol_cost_ns += ns;
	pthread_mutex_unlock(&list->lock);
}

bool guarded_list__put_off(struct guarded_list *list, struct guarded_process *process, bool *tell)
{
	bool wait;

	*tell = false;
	pthread_mutex_lock(&list->lock);
	wait = must_wait(list, process);
	if (wait) {
		*tell = list->budget.window >= list->tell_window;
		if (*tell)
			list->tell_window = list->budget.window + TELL_WINDOWS;
		guarded_process__want(process, GUARD_LOOK);
	}
	pthread_mutex_unlock(&list->lock);
	return wait;
}

void guarded_list__spend(struct guarded_list *list, struct guarded_process *process, uint64_t ns)
{
	pthread_mutex_lock(&list->lock);
	guard_budget__spend(&list->budget, guarded_process__share(process), clock__monotonic_ns(),
			    ns);
	pthread_mutex_unlock(&list->lock);
}
