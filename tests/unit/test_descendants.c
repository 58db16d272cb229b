// SPDX-License-Identifier: GPL-2.0
/*
 * Which of the processes that a command started outlive it: with real processes that wait to be
 * ended.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "processes/descendants.h"

#define COMMAND 5000000 /* above all numbers that the kernel gives */
#define MANY 10000

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

static pid_t start_sleeper(void)
{
	pid_t pid = fork();

	if (!pid) {
		alarm(60);
		pause();
		_exit(0);
	}
	assert_true(pid > 0);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void assert_living(const struct descendants *descendants, size_t nr, pid_t wanted)
{
	pid_t first = 0;

	assert_int_equal(descendants__living(descendants, &first), nr);
	assert_int_equal(first, wanted);
}

static void test_only_descendants_count(void **state)
{
	struct descendants descendants = { 0 };
	pid_t child = start_sleeper(), grandchild = start_sleeper(), stranger = start_sleeper();

	(void)state;
	assert_int_equal(descendants__add(&descendants, COMMAND, now_ns()), 0);
	assert_living(&descendants, 0, 0);
	descendants__forked(&descendants, child, COMMAND, now_ns());
	descendants__forked(&descendants, grandchild, child, now_ns());
	descendants__forked(&descendants, stranger, COMMAND + 1, now_ns());
	assert_living(&descendants, 2, child);
	end(child);
	assert_living(&descendants, 1, grandchild);
	/* A zombie has ended. */
	kill(grandchild, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)grandchild, &(siginfo_t){ 0 }, WEXITED | WNOWAIT), 0);
	assert_living(&descendants, 0, 0);
	end(grandchild);
	end(stranger);
	descendants__free(&descendants);
}

static void test_number_is_used_again(void **state)
{
	struct descendants descendants = { 0 };
	pid_t other = start_sleeper(), third = start_sleeper();

	(void)state;
	descendants__add(&descendants, COMMAND, 1);
	/* It ended long ago, and its number is that of another process, which began later. */
	descendants__forked(&descendants, other, COMMAND, 1);
	assert_living(&descendants, 0, 0);
	/* A stranger was forked with that number: the children that it forks are no descendants. */
	descendants__forked(&descendants, other, 1, now_ns());
	descendants__forked(&descendants, third, other, now_ns());
	assert_living(&descendants, 0, 0);
	end(other);
	end(third);
	descendants__free(&descendants);
}

static void test_those_that_are_gone_make_room(void **state)
{
	struct descendants descendants = { 0 };
	pid_t child = start_sleeper();

	(void)state;
	descendants__add(&descendants, COMMAND, now_ns());
	for (pid_t i = 1; i < MANY; i++)
		assert_int_equal(descendants__forked(&descendants, COMMAND + i, COMMAND + i - 1,
						     now_ns()),
				 0);
	/* The youngest of many generations. */
	descendants__forked(&descendants, child, COMMAND + MANY - 1, now_ns());
	assert_living(&descendants, 1, child);
	assert_in_range(descendants.capacity, 1, 4096);
	end(child);
	descendants__free(&descendants);
}

static void test_too_many(void **state)
{
	struct descendants descendants = { 0 };
	int err = 0;

	(void)state;
	/* All of them there: it is this process. */
	for (int i = 0; i < MANY && !err; i++)
		err = descendants__add(&descendants, getpid(), now_ns());
	assert_int_equal(err, -ENOSPC);
	assert_int_equal(descendants.nr, 4096);
	descendants__free(&descendants);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_descendants_count),
		cmocka_unit_test(test_number_is_used_again),
		cmocka_unit_test(test_those_that_are_gone_make_room),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
