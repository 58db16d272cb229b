// SPDX-License-Identifier: GPL-2.0
/* Children of watched processes, where these are watched too. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fresh_watch.h"
#include "watched_child.h"

extern char **environ;

/* Starts a child of the test's that waits, watches it, and lets it run. */
static pid_t watch_one(int (*run)(void))
{
	pid_t pid = watched_child__start_watched(watch, run, 1);

	child_shared->go = 1;
	return pid;
}

/* The next end. Returns whose it is. */
static pid_t let_end(void)
{
	struct paused_process paused;
	pid_t pid;

	watched_child__take_end(watch, &paused);
	assert_true(paused.at_end);
	assert_int_equal(paused.nr_threads, 1);
	pid = paused.tgid;
	assert_int_equal(exit_watch__resume(watch, pid), 0);
	paused_process__free(&paused);
	return pid;
}

static bool has_ended_with(pid_t child, int code)
{
	int status;

	return waitpid(child, &status, 0) == child && WIFEXITED(status) &&
	       WEXITSTATUS(status) == code;
}

/* Tells who the child is in words[0], and the grandchild in words[1]. */
static int fork_twice(void)
{
	pid_t child, grandchild;

	watched_child__stand_by();
	child = fork();
	if (!child) {
		grandchild = fork();
		if (!grandchild)
			_exit(7);
		child_shared->words[1] = (uint64_t)grandchild;
		_exit(has_ended_with(grandchild, 7) ? 8 : 1);
	}
	child_shared->words[0] = (uint64_t)child;
	return has_ended_with(child, 8) ? 9 : 2;
}

static void test_forked(void **state)
{
	pid_t pid = watch_one(fork_twice), grandchild, child;

	(void)state;
	grandchild = let_end();
	child = let_end();
	assert_int_equal(let_end(), pid);
	assert_int_equal(watched_child__reap(pid), 9 << 8);
	assert_int_equal(grandchild, child_shared->words[1]);
	assert_int_equal(child, child_shared->words[0]);
}

/* A child that shares memory until it calls exec, and one that can't call it. */
static int spawn_twice(void)
{
	char *const arguments[] = { "sh", "-c", "exit 5", NULL };
	pid_t child;

	watched_child__stand_by();
	if (posix_spawn(&child, "/bin/sh", NULL, NULL, arguments, environ))
		return 1;
	child_shared->words[0] = (uint64_t)child;
	if (!has_ended_with(child, 5))
		return 2;
	child = vfork();
	if (!child)
		_exit(6);
	return has_ended_with(child, 6) ? 10 : 3;
}

static void test_spawned(void **state)
{
	pid_t pid = watch_one(spawn_twice), spawned = let_end();

	(void)state;
	/* What it shares with its parent does not end, but it is a process all the same. */
	let_end();
	assert_int_equal(let_end(), pid);
	assert_int_equal(watched_child__reap(pid), 10 << 8);
	assert_int_equal(spawned, child_shared->words[0]);
}

/* By many threads at once, whose children are not waited for one by one. */
static void *fork_often(void *unused)
{
	for (int i = 0; i < 25; i++) {
		pid_t child = fork();

		if (!child)
			_exit(4);
		if (!has_ended_with(child, 4))
			child_shared->failed = 1;
	}
	return unused;
}

static int fork_in_threads(void)
{
	pthread_t threads[8];

	watched_child__stand_by();
	for (size_t i = 0; i < 8; i++)
		if (pthread_create(&threads[i], NULL, fork_often, NULL))
			return 1;
	for (size_t i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	return child_shared->failed ? 2 : 11;
}

static void test_many(void **state)
{
	pid_t pid = watch_one(fork_in_threads);

	(void)state;
	for (int i = 0; i < 8 * 25; i++)
		assert_int_not_equal(let_end(), pid);
	assert_int_equal(let_end(), pid);
	assert_int_equal(watched_child__reap(pid), 11 << 8);
}

/* One that runs on can be paused, and goes on when the watch ends. */
static int fork_a_counter(void)
{
	pid_t child;

	watched_child__stand_by();
	child = fork();
	if (!child)
		watched_child__count((void *)0);
	child_shared->words[0] = (uint64_t)child;
	return waitpid(child, NULL, 0) == child ? 12 : 1;
}

static void test_running(void **state)
{
	struct paused_process paused;
	pid_t pid, child;
	uint64_t counted;

	(void)state;
	watch = exit_watch__new(true);
	assert_non_null(watch);
	pid = watch_one(fork_a_counter);
	assert_true(watched_child__await(child_shared->words[0] && child_shared->counters[0]));
	child = (pid_t)child_shared->words[0];
	watched_child__pause(watch, child, &paused);
	assert_int_equal(paused.nr_threads, 1);
	counted = child_shared->counters[0];
	usleep(20000);
	assert_int_equal(child_shared->counters[0], counted);
	paused_process__free(&paused);
	assert_int_equal(exit_watch__resume(watch, child), 0);
	exit_watch__free(watch);
	assert_true(watched_child__runs_free(child, 0));
	kill(child, SIGKILL);
	assert_int_equal(watched_child__reap(pid), 12 << 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_forked, fresh_watch__start_following,
						fresh_watch__end),
		cmocka_unit_test_setup_teardown(test_spawned, fresh_watch__start_following,
						fresh_watch__end),
		cmocka_unit_test_setup_teardown(test_many, fresh_watch__start_following,
						fresh_watch__end),
		cmocka_unit_test(test_running),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
