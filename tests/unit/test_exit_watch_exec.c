// SPDX-License-Identifier: GPL-2.0
/*
 * Execs of real children, by threads that are not the first: all others end, and the one that goes
 * on gets the number of the first. The watch goes on, too.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "fresh_watch.h"
#include "watched_child.h"

#define LAST_STATUS 31

static void *exec_shell(void *unused)
{
	(void)unused;
	watched_child__wait_for_go();
	execl("/bin/sh", "sh", "-c", "kill -STOP $$; exit 23", (char *)NULL);
	return NULL;
}

static int exec_by_a_thread(void)
{
	pthread_t thread;

	watched_child__start_threads(watched_child__sleep, 0, 3);
	if (pthread_create(&thread, NULL, exec_shell, NULL))
		return 1;
	if (child_shared->words[0])
		pthread_exit(NULL);
	watched_child__sleep(NULL);
	return 0;
}

static int exec_beside_busy_threads(void)
{
	pthread_t thread;

	watched_child__start_counting(1, 3);
	if (pthread_create(&thread, NULL, exec_shell, NULL))
		return 1;
	watched_child__count((void *)0);
	return 0;
}

static int run_exec_shell(void *unused)
{
	exec_shell(unused);
	return 0;
}

static int exec_by_an_untraced_thread(void)
{
	watched_child__start_threads(watched_child__sleep, 0, 3);
	watched_child__wait_for_go();
	watched_child__start_untraced(run_exec_shell);
	for (;;)
		pause();
	return 0;
}

/* The new program may have to be attached to anew. */
static void pause_after_exec(pid_t pid, struct paused_process *paused)
{
	assert_true(watched_child__await(watched_child__status(pid, "TracerPid") > 0));
	watched_child__pause(watch, pid, paused);
}

static uint64_t exec_once(int (*run)(void), bool without_leader)
{
	struct paused_process paused;
	uint64_t began_ns, took_ns;
	int status;
	pid_t pid = watched_child__start(run);

	child_shared->words[0] = without_leader;
	assert_true(watched_child__await(child_shared->ready >= 3));
	assert_int_equal(exit_watch__add(watch, pid, NULL), 0);
	began_ns = clock__monotonic_ns();
	child_shared->go = 1;
	assert_true(watched_child__await(waitpid(pid, &status, WUNTRACED | WNOHANG) == pid));
	assert_true(WIFSTOPPED(status));
	took_ns = clock__monotonic_ns() - began_ns;
	assert_false(watched_child__has_end(watch));
	pause_after_exec(pid, &paused);
	assert_int_equal(paused.nr_threads, 1);
	assert_int_equal(paused.threads[0].tid, pid);
	watched_child__resume(watch, &paused);
	kill(pid, SIGCONT);
	watched_child__take_end(watch, &paused);
	assert_int_equal(paused.nr_threads, 1);
	watched_child__resume(watch, &paused);
	assert_int_equal(watched_child__reap(pid), 23 << 8);
	return took_ns;
}

static void test_exec(void **state)
{
	uint64_t took_ns, least_ns[2] = { UINT64_MAX, UINT64_MAX };

	(void)state;
	for (int i = 0; i < 10; i++) {
		took_ns = exec_once(exec_by_a_thread, i % 2);
		if (took_ns < least_ns[i % 2])
			least_ns[i % 2] = took_ns;
	}
	/* The threads that an exec ends are not held until time is over. */
	assert_true(least_ns[0] < NS_PER_S * 8 / 10);
	assert_true(least_ns[1] < NS_PER_S * 8 / 10);
}

/*
 * The watch does not know such a thread, nor one that was being made while its maker was attached
 * to. All threads that it knows come to their exit-stops, and yet the process does not end.
 */
static void test_exec_by_an_untraced_thread(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++)
		exec_once(exec_by_an_untraced_thread, false);
}

/* A pause may meet an exec at any moment: it waits for it. */
static void test_pause_in_exec(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		pid_t pid = watched_child__start_watched(watch, exec_beside_busy_threads, 3);

		child_shared->go = 1;
		usleep((useconds_t)(i * 20));
		for (int round = 0; round < 5; round++)
			watched_child__pause_once(watch, pid);
		watched_child__end(watch, pid);
	}
}

/* Without the memory that is shared with the test. */
static void *pause_on(void *unused)
{
	pause();
	return unused;
}

static void exec_self(const char *nr_left)
{
	execl("/proc/self/exe", "exec-again", nr_left, (char *)NULL);
	_exit(30);
}

static void *exec_self_once_more(void *nr_left)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", *(int *)nr_left - 1);
	exec_self(text);
	return NULL;
}

/* This program again, after an exec. */
static int exec_again(int nr_left)
{
	pthread_t thread;

	if (nr_left <= 0)
		return LAST_STATUS;
	watched_child__start_threads(pause_on, 0, 3);
	if (pthread_create(&thread, NULL, exec_self_once_more, &nr_left))
		return 1;
	for (;;)
		pause();
}

static int exec_often(void)
{
	exec_self("300");
	return 1;
}

/* To attach takes locks that an exec holds while it waits for threads that we may have to reap. */
static void test_add_in_exec(void **state)
{
	pid_t pid = watched_child__start(exec_often);
	struct paused_process paused;
	int status = 0, err = 0, nr_added = 0;

	while (!err && !waitpid(pid, &status, WNOHANG)) {
		assert_int_equal(fresh_watch__start(state), 0);
		err = exit_watch__add(watch, pid, NULL);
		nr_added += !err;
		for (int i = nr_added % 4; i && !err; i--) {
			err = exit_watch__pause(watch, pid, &paused);
			if (!err)
				watched_child__resume(watch, &paused);
		}
		/* On a busy machine, an exec takes its time. */
		if (err == -EAGAIN || err == -ETIMEDOUT)
			err = 0;
		if (err && err != -ESRCH)
			fail_msg("%d", err);
		fresh_watch__end(state);
	}
	assert_true(nr_added > 0);
	if (!status)
		status = watched_child__reap(pid);
	assert_int_equal(status, LAST_STATUS << 8);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		WATCH_TEST(test_exec),
		WATCH_TEST(test_exec_by_an_untraced_thread),
		WATCH_TEST(test_pause_in_exec),
		cmocka_unit_test(test_add_in_exec),
	};

	if (argc == 2 && !strcmp(argv[0], "exec-again"))
		return exec_again(atoi(argv[1]));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
