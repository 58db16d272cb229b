// SPDX-License-Identifier: GPL-2.0
/*
 * Pauses of real children that have many threads, threads that come and go, or one that can't be
 * traced: all of them stand still and are listed.
 */
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "fresh_watch.h"
#include "watched_child.h"

static void *end_soon(void *index)
{
	volatile uint64_t *counter = &child_shared->counters[(size_t)index];

	for (int i = 0; i < 20000; i++)
		++*counter;
	return NULL;
}

#define CHURNING_THREADS 100

static int churn(void)
{
	pthread_t threads[CHURNING_THREADS];
	pthread_attr_t attributes;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 65536);
	child_shared->ready = 1;
	for (size_t i = 0;; i = (i + 1) % CHURNING_THREADS) {
		if (child_shared->counters[CHILD_COUNTERS - 1]++ >= CHURNING_THREADS)
			pthread_join(threads[i], NULL);
		if (pthread_create(&threads[i], &attributes, end_soon, (void *)i))
			return 1;
	}
}

static bool is_listed(const struct paused_process *paused, pid_t tid)
{
	for (size_t i = 0; i < paused->nr_threads; i++)
		if (paused->threads[i].tid == tid)
			return true;
	return false;
}

/* Every thread of /proc is listed, but those that have ended and are still going away. */
static bool lists_agree(const struct paused_process *paused)
{
	char path[64];
	struct dirent *entry;
	size_t nr_listed = 0, nr_others = 0;
	DIR *threads;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)paused->tgid);
	threads = opendir(path);
	assert_non_null(threads);
	while ((entry = readdir(threads))) {
		pid_t tid = (pid_t)atoi(entry->d_name);

		if (tid > 0 && is_listed(paused, tid))
			nr_listed++;
		else if (tid > 0)
			nr_others++;
	}
	closedir(threads);
	return nr_listed == paused->nr_threads && !nr_others;
}

static uint64_t counters_sum(void)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < CHILD_COUNTERS; i++)
		sum += child_shared->counters[i];
	return sum;
}

static void pause_once(pid_t pid, size_t nr_wanted)
{
	struct paused_process paused;
	uint64_t sum;

	watched_child__pause(watch, pid, &paused);
	sum = counters_sum();
	if (nr_wanted)
		assert_int_equal(paused.nr_threads, nr_wanted);
	assert_true(watched_child__await(lists_agree(&paused)));
	sched_yield();
	usleep(300);
	assert_true(counters_sum() == sum);
	watched_child__resume(watch, &paused);
}

static void test_churning_threads(void **state)
{
	pid_t pid = watched_child__start_watched(watch, churn, 1);

	(void)state;
	for (int i = 0; i < 300; i++) {
		pause_once(pid, 0);
		usleep(1000);
	}
	watched_child__end(watch, pid);
}

#define MANY_THREADS 1000

static void *count_slowly(void *index)
{
	volatile uint64_t *counter = &child_shared->counters[(size_t)index];

	watched_child__say_ready();
	for (;; ++*counter)
		usleep(30000);
	return NULL;
}

static int start_many(void)
{
	watched_child__start_threads(count_slowly, 0, MANY_THREADS);
	pause();
	return 0;
}

static void test_many_threads(void **state)
{
	pid_t pid = watched_child__start_watched(watch, start_many, MANY_THREADS);
	struct paused_process paused;
	uint64_t began_ns;

	(void)state;
	began_ns = clock__monotonic_ns();
	watched_child__pause(watch, pid, &paused);
	print_message("1,001 threads stood after %lu us\n",
		      (clock__monotonic_ns() - began_ns) / 1000);
	watched_child__resume(watch, &paused);
	pause_once(pid, MANY_THREADS + 1);
	watched_child__end(watch, pid);
}

static int count_untraced(void *unused)
{
	(void)unused;
	for (;;)
		child_shared->counters[0]++;
	return 0;
}

static int start_untraced(void)
{
	watched_child__stand_by();
	watched_child__start_untraced(count_untraced);
	pause();
	return 0;
}

static void test_untraced_thread(void **state)
{
	pid_t pid = watched_child__start_watched(watch, start_untraced, 1);

	(void)state;
	child_shared->go = 1;
	assert_true(watched_child__await(child_shared->counters[0] > 1000));
	pause_once(pid, 2);
	pause_once(pid, 2);
	watched_child__end(watch, pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WATCH_TEST(test_churning_threads),
		WATCH_TEST(test_many_threads),
		WATCH_TEST(test_untraced_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
