// SPDX-License-Identifier: GPL-2.0
/* What /proc shows of a process that lives, of one that is dead, and of one whose first thread is. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/living_thread.h"

/* Waits until the process is a zombie, and leaves it one. */
static void await_death(pid_t pid)
{
	siginfo_t info;

	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
}

static void reap(pid_t pid)
{
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* A process whose name looks like the end of one, and a state. */
static pid_t start_sleeper(void)
{
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_NAME, "a) Z 1 (b");
		while (1)
			pause();
	}
	assert_true(pid > 0);
	return pid;
}

static void test_a_process_and_its_end(void **state)
{
	pid_t pid = start_sleeper();

	(void)state;
	assert_true(living_thread__remains(pid));
	kill(pid, SIGKILL);
	await_death(pid);
	assert_false(living_thread__remains(pid));
	reap(pid);
	assert_false(living_thread__remains(pid));
	assert_true(living_thread__remains(getpid()));
}

static void *tell_and_sleep(void *pipe_end)
{
	(void)!write(*(int *)pipe_end, "", 1);
	while (1)
		pause();
	return NULL;
}

/* Its first thread is a zombie, and another one goes on. */
static void test_the_first_thread_left(void **state)
{
	int ends[2];
	pid_t pid;
	char byte;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (!pid) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, tell_and_sleep, &ends[1]))
			_exit(1);
		pthread_exit(NULL);
	}
	assert_int_equal(read(ends[0], &byte, 1), 1);
	for (int tries = 0; !living_thread__leader_left(pid) && tries < 1000; tries++)
		usleep(10000);
	assert_true(living_thread__leader_left(pid));
	assert_int_not_equal(living_thread__of(pid), pid);
	assert_true(living_thread__remains(pid));
	kill(pid, SIGKILL);
	await_death(pid);
	assert_false(living_thread__remains(pid));
	assert_false(living_thread__leader_left(pid));
	reap(pid);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_process_and_its_end),
		cmocka_unit_test(test_the_first_thread_left),
	};

	return cmocka_run_group_tests_name("living_thread", tests, NULL, NULL);
}
