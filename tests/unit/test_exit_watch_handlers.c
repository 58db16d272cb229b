// SPDX-License-Identifier: GPL-2.0
/*
 * Signal handlers of real children that are paused again and again in a system call: each handler
 * ends one call with EINTR, and nothing else ends one.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "fresh_watch.h"
#include "watched_child.h"

static void count_handler(int signal)
{
	(void)signal;
	child_shared->handlers++;
}

static int be_interrupted(void)
{
	const struct sigaction action = { .sa_handler = count_handler };
	int epoll_fd = epoll_create1(0), timeout_ms = child_shared->words[1] ? 60000 : -1;
	struct epoll_event event;

	sigaction(SIGUSR1, &action, NULL);
	while (child_shared->go < 2) {
		child_shared->ready = 1;
		if (epoll_wait(epoll_fd, &event, 1, timeout_ms) < 0 && errno == EINTR)
			child_shared->interruptions++;
		else
			child_shared->failed++;
	}
	return 0;
}

static bool waits_in_epoll(pid_t pid)
{
	long number = watched_child__call(pid);

	return (number == SYS_epoll_wait || number == SYS_epoll_pwait) &&
	       watched_child__state(pid) == 'S';
}

#define ROUNDS 200

/* Each handler that ran has ended one call, whether it ran in a pause, before or after. */
static void test_handlers(void **state)
{
	struct paused_process paused;
	pid_t pid = watched_child__start_watched(watch, be_interrupted, 1);

	(void)state;
	for (uint64_t round = 0; round < ROUNDS; round++) {
		assert_true(watched_child__await(waits_in_epoll(pid)));
		if (round % 4 == 0)
			kill(pid, SIGUSR1);
		watched_child__pause(watch, pid, &paused);
		paused_process__free(&paused);
		if (round % 4 == 1)
			kill(pid, SIGUSR1);
		exit_watch__resume(watch, pid);
		if (round % 4 == 2)
			kill(pid, SIGUSR1);
		if (round % 4 == 3) {
			assert_true(watched_child__await(waits_in_epoll(pid)));
			kill(pid, SIGUSR1);
			watched_child__pause_once(watch, pid);
			watched_child__pause_once(watch, pid);
		}
		if (!watched_child__await(child_shared->interruptions == round + 1))
			fail_msg("round %lu: %lu handlers, %lu interruptions", round,
				 child_shared->handlers, child_shared->interruptions);
		assert_int_equal(child_shared->handlers, round + 1);
		assert_int_equal(child_shared->failed, 0);
	}
	watched_child__end(watch, pid);
}

static int be_interrupted_in_time(void)
{
	child_shared->words[1] = 1;
	return be_interrupted();
}

static void test_handlers_with_timeout(void **state)
{
	pid_t pid = watched_child__start_watched(watch, be_interrupted_in_time, 1);

	(void)state;
	for (uint64_t round = 0; round < ROUNDS; round++) {
		assert_true(watched_child__await(waits_in_epoll(pid)));
		watched_child__pause_once(watch, pid);
		watched_child__pause_once(watch, pid);
		assert_true(watched_child__await(waits_in_epoll(pid)));
		kill(pid, SIGUSR1);
		watched_child__pause_once(watch, pid);
		assert_true(watched_child__await(child_shared->interruptions == round + 1));
		assert_int_equal(child_shared->handlers, round + 1);
		assert_int_equal(child_shared->failed, 0);
	}
	watched_child__end(watch, pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WATCH_TEST(test_handlers),
		WATCH_TEST(test_handlers_with_timeout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
