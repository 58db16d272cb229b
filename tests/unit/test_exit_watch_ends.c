// SPDX-License-Identifier: GPL-2.0
/* Ends of real children: each is held, told of once, and looks to its parent as without a watch. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fresh_watch.h"
#include "watched_child.h"

#define MEMORY_MARK 0x5566778899aabbccUL

/* Adds a child, lets it go on to its end, and takes that. */
static void take_end_of(pid_t pid, struct paused_process *paused)
{
	assert_int_equal(exit_watch__add(watch, pid, NULL), 0);
	child_shared->go = 1;
	watched_child__take_end(watch, paused);
	assert_int_equal(paused->tgid, pid);
	assert_true(paused->at_end);
}

static int end_as_told(void)
{
	const struct rlimit no_core = { 0, 0 };
	int how;

	setrlimit(RLIMIT_CORE, &no_core);
	watched_child__stand_by();
	how = (int)child_shared->words[0];
	if (how < 64)
		return how;
	kill(getpid(), how - 64);
	pause();
	return 99;
}

static void end_once(int how)
{
	siginfo_t info = { 0 };
	struct paused_process paused;
	pid_t pid = watched_child__start(end_as_told);

	child_shared->words[0] = (uint64_t)how;
	assert_true(watched_child__await(child_shared->ready));
	take_end_of(pid, &paused);
	assert_int_equal(paused.nr_threads, 1);
	assert_int_equal(paused.threads[0].tid, pid);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	watched_child__resume(watch, &paused);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED), 0);
	assert_int_equal(info.si_pid, pid);
	if (how < 64) {
		assert_int_equal(info.si_code, CLD_EXITED);
		assert_int_equal(info.si_status, how);
	} else {
		assert_true(info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED);
		assert_int_equal(info.si_status, how - 64);
	}
	assert_false(watched_child__has_end(watch));
}

static void test_statuses(void **state)
{
	static const int signals[] = { SIGTERM, SIGKILL, SIGINT,  SIGHUP,  SIGSEGV,
				       SIGABRT, SIGBUS,	 SIGPIPE, SIGALRM, SIGUSR1,
				       SIGQUIT, SIGILL,	 SIGFPE,  SIGXCPU, SIGSYS };

	(void)state;
	for (int how = 0; how < 64; how++)
		end_once(how);
	for (size_t i = 0; i < 45; i++)
		end_once(64 + signals[i % (sizeof(signals) / sizeof(signals[0]))]);
}

static void *end_the_process(void *unused)
{
	(void)unused;
	watched_child__stand_by();
	syscall(SYS_exit_group, 17);
	return NULL;
}

static volatile uint64_t mark = MEMORY_MARK;

static int end_by_a_thread(void)
{
	pthread_t thread;

	watched_child__start_counting(1, 5);
	if (pthread_create(&thread, NULL, end_the_process, NULL))
		return 1;
	watched_child__count((void *)0);
	return 0;
}

static void check_memory(pid_t tid)
{
	uint64_t word = 0;
	struct iovec local = { &word, sizeof(word) };
	struct iovec remote = { (void *)&mark, sizeof(mark) };

	assert_int_equal(process_vm_readv(tid, &local, 1, &remote, 1, 0), sizeof(word));
	assert_true(word == MEMORY_MARK);
}

static void test_exit_group(void **state)
{
	struct paused_process paused;

	(void)state;
	for (int i = 0; i < 20; i++) {
		pid_t pid = watched_child__start_ready(end_by_a_thread, 7);
		uint64_t counter;

		take_end_of(pid, &paused);
		assert_int_equal(paused.nr_threads, 7);
		counter = child_shared->counters[2];
		for (size_t t = 0; t < paused.nr_threads; t++)
			check_memory(paused.threads[t].tid);
		usleep(1000);
		assert_true(child_shared->counters[2] == counter);
		assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
		watched_child__resume(watch, &paused);
		assert_int_equal(watched_child__reap(pid), 17 << 8);
		assert_false(watched_child__has_end(watch));
	}
}

static void *wait_then_end(void *unused)
{
	(void)unused;
	watched_child__wait_for_go();
	usleep(20000);
	/* Not libc's exit, which the last thread would call. */
	syscall(SYS_exit, 0);
	return NULL;
}

static int lose_first_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, wait_then_end, NULL))
		return 1;
	child_shared->ready = 1;
	pthread_exit(NULL);
}

/* Added after and before the first thread has ended. */
static void zombie_leader(bool before)
{
	pid_t pid = watched_child__start_ready(lose_first_thread, 1);
	struct paused_process paused;

	if (!before)
		assert_true(watched_child__await(watched_child__state(pid) == 'Z'));
	assert_int_equal(exit_watch__add(watch, pid, NULL), 0);
	assert_true(watched_child__await(watched_child__state(pid) == 'Z'));
	for (int i = 0; i < 3; i++) {
		watched_child__pause(watch, pid, &paused);
		assert_int_equal(paused.nr_threads, 1);
		assert_int_not_equal(paused.threads[0].tid, pid);
		check_memory(paused.threads[0].tid);
		watched_child__resume(watch, &paused);
	}
	assert_false(watched_child__has_end(watch));
	child_shared->go = 1;
	watched_child__take_end(watch, &paused);
	assert_int_equal(paused.tgid, pid);
	assert_int_equal(paused.nr_threads, 1);
	check_memory(paused.threads[0].tid);
	watched_child__resume(watch, &paused);
	assert_int_equal(watched_child__reap(pid), 0);
}

static void test_zombie_leader(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++)
		zombie_leader(i % 2);
}

static int count_in_threads(void)
{
	watched_child__start_counting(1, 4);
	watched_child__count((void *)0);
	return 0;
}

static void test_killed_while_paused(void **state)
{
	struct paused_process paused;

	(void)state;
	for (int i = 0; i < 20; i++) {
		pid_t pid = watched_child__start_watched(watch, count_in_threads, 5);

		watched_child__pause(watch, pid, &paused);
		kill(pid, SIGKILL);
		usleep((useconds_t)(i * 100));
		/* Its memory is there until it is resumed. */
		check_memory(paused.threads[0].tid);
		assert_false(watched_child__has_end(watch));
		watched_child__resume(watch, &paused);
		watched_child__take_end(watch, &paused);
		assert_int_equal(paused.nr_threads, 5);
		watched_child__resume(watch, &paused);
		assert_int_equal(watched_child__reap(pid), SIGKILL);
	}
}

static void test_killed_while_held(void **state)
{
	struct paused_process paused;

	(void)state;
	for (int i = 0; i < 20; i++) {
		pid_t pid = watched_child__start_ready(end_by_a_thread, 7);

		take_end_of(pid, &paused);
		kill(pid, SIGKILL);
		usleep((useconds_t)(i * 100));
		watched_child__resume(watch, &paused);
		assert_int_equal(watched_child__reap(pid), 17 << 8);
		assert_false(watched_child__has_end(watch));
	}
}

/* Killed before anybody took its end: it is told of, but is gone. */
static void test_killed_untaken(void **state)
{
	struct paused_process paused;

	(void)state;
	for (int i = 0; i < 20; i++) {
		pid_t pid = watched_child__start_watched(watch, end_by_a_thread, 7);
		int nr;

		child_shared->go = 1;
		assert_true(watched_child__await(watched_child__has_end(watch)));
		kill(pid, SIGKILL);
		usleep((useconds_t)(i * 100));
		nr = exit_watch__next_end(watch, &paused);
		assert_true(nr == 0 || nr == 1);
		if (nr)
			watched_child__resume(watch, &paused);
		watched_child__reap(pid);
	}
}

static void *end_alone(void *unused)
{
	return unused;
}

/* One after the other. */
static int end_threads(void)
{
	pthread_t thread;

	watched_child__stand_by();
	for (int i = 0; i < 150; i++)
		if (pthread_create(&thread, NULL, end_alone, NULL) || pthread_join(thread, NULL))
			return 1;
	return 4;
}

static void test_threads_end_alone(void **state)
{
	pid_t pid = watched_child__start_ready(end_threads, 1);
	struct paused_process paused;

	(void)state;
	/* If each were held for a second, the end would not come in time. */
	take_end_of(pid, &paused);
	assert_int_equal(paused.nr_threads, 1);
	watched_child__resume(watch, &paused);
	assert_int_equal(watched_child__reap(pid), 4 << 8);
}

static void *segfault(void *unused)
{
	(void)unused;
	watched_child__stand_by();
	raise(SIGSEGV);
	return NULL;
}

static int crash_in_a_thread(void)
{
	const struct rlimit no_core = { 0, 0 };
	pthread_t thread;

	setrlimit(RLIMIT_CORE, &no_core);
	watched_child__start_counting(1, 3);
	if (pthread_create(&thread, NULL, segfault, NULL))
		return 1;
	pause();
	return 0;
}

static void test_crash(void **state)
{
	struct paused_process paused;

	(void)state;
	for (int i = 0; i < 10; i++) {
		pid_t pid = watched_child__start_ready(crash_in_a_thread, 4);

		take_end_of(pid, &paused);
		assert_int_equal(paused.nr_threads, 5);
		check_memory(paused.threads[0].tid);
		watched_child__resume(watch, &paused);
		assert_int_equal(WTERMSIG(watched_child__reap(pid)), SIGSEGV);
	}
}

static int sleep_in_threads(void)
{
	watched_child__start_threads(watched_child__sleep, 0, 3);
	pause();
	return 0;
}

/* Several at once: each is told of. */
static void test_many_ends(void **state)
{
	enum { NR = 40 };
	struct paused_process paused;
	pid_t pids[NR];
	size_t nr_taken = 0;

	(void)state;
	for (size_t i = 0; i < NR; i++) {
		pids[i] = watched_child__start(sleep_in_threads);
		assert_int_equal(exit_watch__add(watch, pids[i], NULL), 0);
	}
	for (size_t i = 0; i < NR; i++)
		kill(pids[i], SIGTERM);
	for (; nr_taken < NR; nr_taken++) {
		watched_child__take_end(watch, &paused);
		watched_child__resume(watch, &paused);
	}
	for (size_t i = 0; i < NR; i++)
		assert_int_equal(watched_child__reap(pids[i]), SIGTERM);
	assert_int_equal(exit_watch__next_end(watch, &paused), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WATCH_TEST(test_statuses),	    WATCH_TEST(test_exit_group),
		WATCH_TEST(test_zombie_leader),	    WATCH_TEST(test_killed_while_paused),
		WATCH_TEST(test_killed_while_held), WATCH_TEST(test_killed_untaken),
		WATCH_TEST(test_threads_end_alone), WATCH_TEST(test_crash),
		WATCH_TEST(test_many_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
