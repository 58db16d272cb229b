// SPDX-License-Identifier: GPL-2.0
/*
 * process_mrelease(2) takes the pages of a dying process while it dies. The report says that the
 * memory from before was reclaimed; fewer frames that come back in the teardown are no leak.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "weight.h"

#ifndef SYS_process_mrelease
#define SYS_process_mrelease 448
#endif

#define NR_ROUNDS 6

static void need_mrelease(void)
{
	/* EBADF: the kernel knows the call, and is 5.15 or newer. */
	if (syscall(SYS_process_mrelease, -1, 0) && errno == ENOSYS)
		SKIP("this kernel has no process_mrelease");
}

/* EAGAIN: the victim holds the lock of its memory. */
static bool release(int process)
{
	for (int i = 0; i < 1000; i++) {
		if (!syscall(SYS_process_mrelease, process, 0))
			return true;
		if (errno != EAGAIN)
			return false;
	}
	return false;
}

/* Kills a victim and releases its memory at once. Returns whether the call came before the end. */
static bool check_round(void)
{
	pid_t pid;
	struct child *tracer = start_weigh(ARGS("nohuge=128", "wait"), &pid);
	struct weight weight = weight_of(pid);
	int process = (int)syscall(SYS_pidfd_open, pid, 0);
	const json_t *record;
	bool released;
	struct run *run;

	assert_true(process >= 0);
	assert_int_equal(syscall(SYS_pidfd_send_signal, process, SIGKILL, NULL, 0), 0);
	released = release(process);
	close(process);
	run = child__finish(tracer, RUN_TIMEOUT_S);
	assert_int_equal(run->exit_status, 128 + SIGKILL);
	record = final_exit_record(run);
	assert_true(json_is_true(field(record, "verified")));
	assert_figures(record, &weight, 0);
	run__free(run);
	return released;
}

static void test_release_of_the_dying(void **state)
{
	unsigned int nr_released = 0;
	(void)state;

	need_mrelease();
	for (int i = 0; i < NR_ROUNDS; i++)
		nr_released += check_round();
	if (!nr_released)
		SKIP("each of %d victims was gone before process_mrelease", NR_ROUNDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_release_of_the_dying),
	};

	return cmocka_run_group_tests_name("mrelease", tests, harness__begin, harness__end);
}
