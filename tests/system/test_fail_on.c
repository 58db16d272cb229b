// SPDX-License-Identifier: GPL-2.0
/* --fail-on: a job in CI fails when its command leaves more behind than it may. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"

#define SHARED_NAME "/memleak-bpf-fail-on"

static struct run *fail_on(const char *rules, const char *const *command)
{
	return trace(ARGS("--fail-on", rules), command);
}

static void test_held(void **state)
{
	struct run *run = fail_on("held", ARGS(victim("leak64")));
	(void)state;

	assert_int_equal(run->exit_status, 1);
	assert_contains(run->err, "memleak-bpf: --fail-on held: PID ");
	assert_contains(run->err, " (leak64) held 67,108,864 bytes in 1 block at its end\n");
	assert_one_line(run->err);
	run__free(run);
	run = fail_on("held=64M", ARGS(victim("leak64")));
	assert_int_equal(run->exit_status, 1);
	run__free(run);
	run = fail_on("held=65M,lost,kept,unverified", ARGS(victim("leak64")));
	assert_int_equal(run->exit_status, 0);
	assert_string_equal(run->err, "");
	run__free(run);
	run = trace(ARGS("--fail-on", "held", "--error-exitcode=42"), ARGS(victim("leak64")));
	assert_int_equal(run->exit_status, 42);
	run__free(run);
}

/* What the command says of itself counts more. */
static void test_the_command_fails(void **state)
{
	struct run *run = fail_on("held", ARGS("/bin/sh", "-c", "exec \"$0\" exit", victim("die")));
	(void)state;

	assert_true(run->exit_status != 0 && run->exit_status != 1);
	run__free(run);
}

static void test_unknown_is_not_fine(void **state)
{
	struct run *run =
		fail_on("held=1G", ARGS("/bin/sh", "-c", "\"$0\"; exit 0", victim("no_allocator")));
	(void)state;

	/* The shell is known, and its child is not traced. */
	assert_int_equal(run->exit_status, 0);
	run__free(run);
	run = trace(ARGS("-f", "--fail-on", "held=1G"),
		    ARGS("/bin/sh", "-c", "\"$0\"; exit 0", victim("no_allocator")));
	assert_int_equal(run->exit_status, 125);
	assert_contains(run->err, "--fail-on held: it is not known what 1 of the processes held");
	run__free(run);
}

static void test_leaks(void **state)
{
	struct run *run = fail_on("definite", ARGS(victim("leak_kinds"), "definite"));
	(void)state;

	assert_int_equal(run->exit_status, 1);
	assert_contains(run->err, "--fail-on definite: a leak check found such blocks\n");
	assert_false(is_null(exit_record(run), "leaks"));
	run__free(run);
	run = fail_on("possible", ARGS(victim("leak_kinds"), "definite"));
	assert_int_equal(run->exit_status, 0);
	run__free(run);
}

static void test_kept(void **state)
{
	struct run *run = fail_on("kept", ARGS(victim("shared_memory"), "posix", SHARED_NAME));
	(void)state;

	shm_unlink(SHARED_NAME);
	assert_int_equal(run->exit_status, 1);
	assert_contains(run->err, "--fail-on kept: shared memory outlives PID ");
	assert_contains(run->err, SHARED_NAME "\n");
	run__free(run);
	run = fail_on("kept", ARGS(victim("shared_memory"), "posix", SHARED_NAME, "remove"));
	assert_int_equal(run->exit_status, 0);
	run__free(run);
}

static void test_lost(void **state)
{
	struct run *run = trace(ARGS("--fail-on", "lost", "--max-blocks", "1000"),
				ARGS(victim("million"), "100000"));
	(void)state;

	assert_int_equal(run->exit_status, 1);
	assert_contains(run->err, "--fail-on lost: lost ");
	run__free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_held),	 SYSTEM_TEST(test_the_command_fails),
		SYSTEM_TEST(test_leaks), SYSTEM_TEST(test_unknown_is_not_fine),
		SYSTEM_TEST(test_kept),	 SYSTEM_TEST(test_lost),
	};

	return cmocka_run_group_tests_name("fail on", tests, harness__begin, harness__end);
}
