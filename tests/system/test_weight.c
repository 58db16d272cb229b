// SPDX-License-Identifier: GPL-2.0
/*
 * The memory that is reported as reclaimed is the kernel's figure from just before the end, to the
 * byte.
 */
#include <signal.h>
#include <string.h>

#include "weight.h"

/* The victim ends by itself: nothing runs between the last look and exit_group. */
static bool check_exit(const char *const *words, long long shared_bytes)
{
	struct run *run = run_weigh(NO_ARGS, words);
	struct weight weight = weight_printed(run->out);
	bool counted;

	assert_weight(exit_record(run), &weight, shared_bytes);
	counted = assert_frames(exit_record(run));
	run__free(run);
	return counted;
}

/* The victim ends by SIGKILL, weighed from outside while it waits. */
static void check_kill(const char *const *words, long long shared_bytes)
{
	pid_t pid;
	struct child *tracer = start_weigh(words, &pid);
	struct weight weight = weight_of(pid);
	struct run *run;

	kill(pid, SIGKILL);
	run = child__finish(tracer, RUN_TIMEOUT_S);
	assert_int_equal(run->exit_status, 128 + SIGKILL);
	assert_weight(exit_record(run), &weight, shared_bytes);
	assert_frames(exit_record(run));
	run__free(run);
}

static void test_little(void **state)
{
	(void)state;
	check_exit(NO_ARGS, 0);
	check_kill(ARGS("wait"), 0);
}

static void test_private_memory(void **state)
{
	(void)state;
	check_exit(ARGS("nohuge=24"), 0);
	check_kill(ARGS("nohuge=24", "wait"), 0);
}

static void test_shared_memory(void **state)
{
	(void)state;
	check_exit(ARGS("shared=6"), 6 * MIB);
	check_kill(ARGS("shared=6", "wait"), 6 * MIB);
}

static void test_file_pages(void **state)
{
	(void)state;
	check_exit(ARGS("file"), 0);
	check_kill(ARGS("file", "wait"), 0);
}

/* The page of zeroes is everybody's: nobody's resident set has it. */
static void test_page_of_zeroes(void **state)
{
	struct run *run = run_weigh(NO_ARGS, ARGS("zero=16"));
	struct weight weight = weight_printed(run->out);
	(void)state;

	assert_true(weight.page_table_bytes >= 8 * 4096);
	assert_weight(exit_record(run), &weight, 0);
	run__free(run);
	/* This goes by what the victim read of itself: the tracer has no part in it. */
	if (weight.anon_bytes >= 16 * (long long)MIB)
		SKIP("this kernel maps no page of zeroes where memory is only read");
	assert_true(weight.anon_bytes < 2 * (long long)MIB);
}

static void test_all_kinds(void **state)
{
	unsigned int nr_counted = 0;
	(void)state;

	for (unsigned int i = 0; i < scaled(20) + 2; i++)
		nr_counted += check_exit(ARGS("nohuge=9", "file", "shared=3", "zero=2"), 3 * MIB);
	assert_true(nr_counted > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_little),	  SYSTEM_TEST(test_private_memory),
		SYSTEM_TEST(test_shared_memory),  SYSTEM_TEST(test_file_pages),
		SYSTEM_TEST(test_page_of_zeroes), SYSTEM_TEST(test_all_kinds),
	};

	return cmocka_run_group_tests_name("weight", tests, harness__begin, harness__end);
}
