// SPDX-License-Identifier: GPL-2.0
/* See guard_lane.h. Used by guarded_processes.c. */
#include "probes/guard/guard_lane.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#define MAX_THREADS 256 /* of a lane */
#define STACK_BYTES (128 << 10)
/* Above the main thread's priority, since that thread doesn't pause while probes are attached. */
#define LANE_PRIORITY 2

struct guard_lane {
	guard_lane_work *work;
	size_t number;
	void *context;
	int cpu;
	pthread_mutex_t lead;
	unsigned int nr_waiting; /* for the lead; atomic */
	unsigned int nr_threads; /* atomic */
};

static void *run_lane(void *argument);

static int start_thread(struct guard_lane *lane)
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

	if (cpu == GUARD_LANE_ANY_CPU || cpu >= CPU_SETSIZE)
		return;
	CPU_ZERO(&cpus);
	CPU_SET((size_t)cpu, &cpus);
	pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus);
	/* The request can be refused, as for the main thread. */
	pthread_setschedparam(pthread_self(), SCHED_FIFO, &priority);
}

static void *run_lane(void *argument)
{
	struct guard_lane *lane = argument;

	precede(lane->cpu);
	for (;;) {
		pthread_mutex_lock(&lane->lead);
		__atomic_fetch_sub(&lane->nr_waiting, 1, __ATOMIC_SEQ_CST);
		lane->work(lane, lane->number, lane->context);
		__atomic_fetch_add(&lane->nr_waiting, 1, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

void guard_lane__pass_on(struct guard_lane *lane)
{
	pthread_mutex_unlock(&lane->lead);
	/* Another thread has to lead while this one waits for a process. */
	if (!__atomic_load_n(&lane->nr_waiting, __ATOMIC_SEQ_CST) &&
	    __atomic_load_n(&lane->nr_threads, __ATOMIC_SEQ_CST) < MAX_THREADS)
		start_thread(lane);
}

int guard_lane__start(size_t number, int cpu, guard_lane_work *work, void *context)
{
	struct guard_lane *lane = calloc(1, sizeof(*lane));
	int err;

	if (!lane)
		return -ENOMEM;
	lane->work = work;
	lane->number = number;
	lane->context = context;
	lane->cpu = cpu;
	pthread_mutex_init(&lane->lead, NULL);
	err = start_thread(lane);
	if (err) {
		free(lane);
		return err;
	}
	return start_thread(lane);
}
