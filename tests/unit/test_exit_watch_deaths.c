// SPDX-License-Identifier: GPL-2.0
/*
 * The death of the tracer, and of the tracing process, at random moments: what they watched goes
 * on. A process between plays the tracer.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "watched_child.h"

/* The tracing process, by its name, which it gives itself soon after its start. */
static pid_t find_by_name(pid_t parent)
{
	char path[64], name[32];
	pid_t found = 0, pid;
	FILE *children, *comm;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)parent, (int)parent);
	children = fopen(path, "re");
	if (!children)
		return 0;
	while (fscanf(children, "%d", &pid) == 1) {
		snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
		comm = fopen(path, "re");
		if (!comm)
			continue;
		if (fgets(name, sizeof(name), comm) && !strcmp(name, "memleak-ptrace\n"))
			found = pid;
		fclose(comm);
	}
	fclose(children);
	return found;
}

static pid_t find_tracing_process(pid_t parent)
{
	pid_t pid = 0;

	watched_child__await((pid = find_by_name(parent)) > 0);
	return pid;
}

static int count_and_wait(void)
{
	watched_child__start_counting(1, 2);
	watched_child__count((void *)0);
	return 0;
}

/* Watches and pauses until it is killed. */
static int play_tracer(pid_t target)
{
	struct exit_watch *watch = exit_watch__new(false);
	struct paused_process paused;

	if (!watch)
		return 1;
	child_shared->words[0] = (uint64_t)find_tracing_process(getpid());
	child_shared->go = 1;
	if (exit_watch__add(watch, target, NULL))
		return 2;
	for (;;) {
		if (exit_watch__pause(watch, target, &paused))
			return 3;
		paused_process__free(&paused);
		exit_watch__resume(watch, target);
	}
}

static pid_t start_tracer(pid_t target)
{
	pid_t pid;

	child_shared->go = 0;
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(play_tracer(target));
	}
	assert_true(watched_child__await(child_shared->go));
	return pid;
}

static void check_goes_on(pid_t target)
{
	int status;

	for (size_t counter = 0; counter < 3; counter++)
		assert_true(watched_child__runs_free(target, counter));
	assert_int_equal(waitpid(target, &status, WNOHANG | WUNTRACED), 0);
}

static void sleep_a_little(int round)
{
	struct timespec time = { 0, (round * 7919 % 3000) * 1000 };

	nanosleep(&time, NULL);
}

static bool is_gone(pid_t pid)
{
	return kill(pid, 0) < 0 || watched_child__state(pid) == 'Z';
}

static void test_tracer_dies(void **state)
{
	pid_t target = watched_child__start_ready(count_and_wait, 3);

	(void)state;
	for (int round = 0; round < 200; round++) {
		pid_t tracer = start_tracer(target);
		pid_t tracing = (pid_t)child_shared->words[0];

		assert_true(tracing > 0);
		sleep_a_little(round);
		watched_child__kill(tracer);
		assert_true(watched_child__await(is_gone(tracing)));
		check_goes_on(target);
	}
	watched_child__kill(target);
}

static void test_tracing_process_dies(void **state)
{
	pid_t target = watched_child__start_ready(count_and_wait, 3);

	(void)state;
	for (int round = 0; round < 50; round++) {
		pid_t tracer = start_tracer(target);
		pid_t tracing = (pid_t)child_shared->words[0];

		assert_true(tracing > 0);
		sleep_a_little(round);
		kill(tracing, SIGKILL);
		/* Its next request fails: it does not hang. */
		watched_child__reap(tracer);
		check_goes_on(target);
	}
	watched_child__kill(target);
}

static int wait_for_events(void)
{
	int epoll_fd = epoll_create1(0);
	struct epoll_event event;

	child_shared->ready = 1;
	while (!child_shared->failed) {
		if (epoll_wait(epoll_fd, &event, 1, child_shared->counters[5] ? 60000 : -1) < 0 &&
		    errno == EINTR)
			child_shared->interruptions++;
		child_shared->calls++;
	}
	return 0;
}

/* Nor does a call of the target notice anything. */
static void die_in_call(bool has_timeout)
{
	pid_t target = watched_child__start(wait_for_events);

	child_shared->counters[5] = has_timeout;
	assert_true(watched_child__await(child_shared->ready));
	for (int round = 0; round < 100; round++) {
		pid_t tracer = start_tracer(target), tracing = (pid_t)child_shared->words[0];

		sleep_a_little(round);
		watched_child__kill(tracer);
		assert_true(watched_child__await(is_gone(tracing)));
		assert_int_equal(watched_child__status(target, "TracerPid"), 0);
	}
	assert_int_equal(child_shared->interruptions, 0);
	assert_true(child_shared->calls <= 1);
	watched_child__kill(target);
}

static void test_tracer_dies_in_calls(void **state)
{
	(void)state;
	die_in_call(false);
	die_in_call(true);
}

/* The tracer dies while it has a process paused, and while it holds one at its end. */
static int hold(pid_t target, pid_t ending)
{
	struct exit_watch *watch = exit_watch__new(false);
	struct paused_process paused;
	struct pollfd readable;

	if (!watch || exit_watch__add(watch, target, NULL) ||
	    exit_watch__add(watch, ending, NULL) || exit_watch__pause(watch, target, &paused))
		return 1;
	kill(ending, SIGTERM);
	readable = (struct pollfd){ .fd = exit_watch__fd(watch), .events = POLLIN };
	if (poll(&readable, 1, 60000) != 1 || exit_watch__next_end(watch, &paused) != 1)
		return 2;
	child_shared->go = 1;
	pause();
	return 3;
}

static int sleep_for_ever(void)
{
	for (;;)
		pause();
	return 0;
}

static void test_tracer_dies_holding(void **state)
{
	(void)state;
	for (int round = 0; round < 20; round++) {
		pid_t ending = watched_child__start(sleep_for_ever);
		pid_t target = watched_child__start_ready(count_and_wait, 3), tracer;
		uint64_t counter;

		tracer = fork();
		if (!tracer)
			_exit(hold(target, ending));
		assert_true(watched_child__await(child_shared->go));
		counter = child_shared->counters[0];
		usleep(5000);
		assert_true(counter == child_shared->counters[0]);
		assert_int_equal(waitpid(ending, NULL, WNOHANG), 0);
		watched_child__kill(tracer);
		check_goes_on(target);
		assert_int_equal(watched_child__reap(ending), SIGTERM);
		watched_child__kill(target);
	}
}

/* A free with everything paused, and signals that would end or stop others. */
static void test_end_of_watch(void **state)
{
	pid_t target = watched_child__start_ready(count_and_wait, 3), tracing;
	static const int signals[] = { SIGINT,	SIGQUIT, SIGTERM, SIGHUP, SIGTSTP,
				       SIGTTIN, SIGUSR1, SIGALRM, SIGPIPE };
	struct paused_process paused;
	struct exit_watch *watch;

	(void)state;
	exit_watch__free(NULL);
	for (int round = 0; round < 30; round++) {
		watch = exit_watch__new(false);
		assert_non_null(watch);
		assert_int_equal(exit_watch__add(watch, target, NULL), 0);
		tracing = find_tracing_process(getpid());
		assert_true(tracing > 0);
		assert_int_not_equal(getsid(tracing), getsid(0));
		for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
			kill(tracing, signals[i]);
		if (round % 2) {
			watched_child__pause(watch, target, &paused);
			paused_process__free(&paused);
		}
		exit_watch__free(watch);
		assert_true(is_gone(tracing));
		check_goes_on(target);
	}
	watched_child__kill(target);
}

/* A tracing process that hangs is given up: the calls fail, and nothing stays stopped. */
static void test_tracing_process_hangs(void **state)
{
	pid_t target = watched_child__start_ready(count_and_wait, 3), tracing;
	struct exit_watch *watch = exit_watch__new(false);
	struct paused_process paused;
	struct pollfd readable;
	uint64_t began_ns;

	(void)state;
	assert_non_null(watch);
	assert_int_equal(exit_watch__add(watch, target, NULL), 0);
	watched_child__pause(watch, target, &paused);
	paused_process__free(&paused);
	tracing = find_tracing_process(getpid());
	assert_true(tracing > 0);
	kill(tracing, SIGSTOP);
	began_ns = clock__monotonic_ns();
	assert_int_equal(exit_watch__add(watch, getpid(), NULL), -EPIPE);
	assert_true(clock__monotonic_ns() - began_ns < 20 * NS_PER_S);
	assert_int_equal(exit_watch__pause(watch, target, &paused), -EPIPE);
	exit_watch__resume(watch, target);
	kill(tracing, SIGCONT);
	check_goes_on(target);
	readable = (struct pollfd){ .fd = exit_watch__fd(watch), .events = POLLIN };
	assert_int_equal(poll(&readable, 1, 5000), 1);
	assert_int_equal(exit_watch__next_end(watch, &paused), -EPIPE);
	exit_watch__free(watch);
	watched_child__kill(target);
}

/* Descriptors of the tracer are not kept open by the tracing process. */
static void test_descriptors(void **state)
{
	struct exit_watch *watch;
	int pipes[40][2];
	char byte;

	(void)state;
	for (size_t i = 0; i < 40; i++)
		assert_int_equal(pipe(pipes[i]), 0);
	for (size_t i = 0; i < 40; i += 2) {
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
	watch = exit_watch__new(false);
	assert_non_null(watch);
	for (size_t i = 1; i < 40; i += 2) {
		struct pollfd end = { .fd = pipes[i][0], .events = POLLIN };

		close(pipes[i][1]);
		assert_int_equal(poll(&end, 1, 5000), 1);
		assert_int_equal(read(pipes[i][0], &byte, 1), 0);
		close(pipes[i][0]);
	}
	exit_watch__free(watch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tracer_dies),
		cmocka_unit_test(test_tracing_process_dies),
		cmocka_unit_test(test_tracer_dies_in_calls),
		cmocka_unit_test(test_tracer_dies_holding),
		cmocka_unit_test(test_end_of_watch),
		cmocka_unit_test(test_tracing_process_hangs),
		cmocka_unit_test(test_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
