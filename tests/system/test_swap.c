// SPDX-License-Identifier: GPL-2.0
/* Pages that are swapped out at the end are told apart, and their swap entries come back too. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "weight.h"

#define SIZE_MIB 16

static void need_swap(void)
{
	char line[256];
	FILE *swaps = fopen("/proc/swaps", "re");
	bool active;

	if (!swaps)
		SKIP("this kernel has no swap");
	active = fgets(line, sizeof(line), swaps) && fgets(line, sizeof(line), swaps);
	fclose(swaps);
	if (!active)
		SKIP("no swap is active here, and that is not a test's to change");
}

static void check(const json_t *record, const struct weight *weight)
{
	assert_weight(record, weight, 0);
	/* The kernel may keep some pages, but it had nothing better to do with these. */
	assert_in_range(weight->swap_bytes, SIZE_MIB * MIB / 2, (SIZE_MIB + 1) * MIB);
	assert_in_range(weight->swap_bytes + weight->anon_bytes, SIZE_MIB * MIB,
			(SIZE_MIB + 1) * MIB);
	assert_frames(record);
}

static void test_exit(void **state)
{
	struct run *run;
	struct weight weight;
	(void)state;

	need_swap();
	run = run_weigh(NO_ARGS, ARGS("swap=16"));
	weight = weight_printed(run->out);
	check(exit_record(run), &weight);
	run__free(run);
}

static void test_kill(void **state)
{
	struct child *tracer;
	struct weight weight;
	struct run *run;
	pid_t pid;
	(void)state;

	need_swap();
	tracer = start_weigh(ARGS("swap=16", "wait"), &pid);
	weight = weight_of(pid);
	kill(pid, SIGKILL);
	run = child__finish(tracer, RUN_TIMEOUT_S);
	check(exit_record(run), &weight);
	run__free(run);
}

/*
 * Both processes have the same swap entries: each report has them, and each process gives its own
 * back.
 */
static void test_of_copies(void **state)
{
	struct weight weight;
	struct run *run;
	const json_t *child;
	(void)state;

	need_swap();
	run = run_weigh(ARGS("-f"), ARGS("swap=16", "brief"));
	child = last_exit_record_of(run, pid_after(run->out, "child "));
	weight = nth_weight_printed(run->out, 1);
	check(child, &weight);
	weight = weight_printed(run->out);
	check(last_exit_record_of(run, (pid_t)number(child, "ppid")), &weight);
	run__free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_exit),
		SYSTEM_TEST(test_kill),
		SYSTEM_TEST(test_of_copies),
	};

	return cmocka_run_group_tests_name("swap", tests, harness__begin, harness__end);
}
