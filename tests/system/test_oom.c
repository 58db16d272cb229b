// SPDX-License-Identifier: GPL-2.0
/* A process that the OOM killer ends, in a memory cgroup of its own, of either version. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "memory_cgroup.h"
#include "harness.h"

#define LIMIT_MIB 96

static struct memory_cgroup cgroup;

static int teardown(void **state)
{
	int result = harness__test_end(state);

	memory_cgroup__remove(&cgroup);
	return result;
}

static void need_cgroup(int version)
{
	const char *why = memory_cgroup__make(&cgroup, version, LIMIT_MIB);

	if (why)
		SKIP("%s", why);
}

static long long last_number(const char *content)
{
	long long last = 0;

	for (const char *line = content; *line; line += strcspn(line, "\n") + 1)
		last = atoll(line);
	return last;
}

static void check_oom_kill(int version)
{
	long long blocks;
	const json_t *record;
	struct run *run;

	need_cgroup(version);
	run = trace_all(ARGS(victim("eat"), cgroup.procs, "400"));
	blocks = last_number(run->out);
	assert_int_equal(run->exit_status, 128 + SIGKILL);
	record = exit_record(run);
	assert_string_equal(text(record, "end.kind"), "oom");
	assert_int_equal(number(record, "end.signal"), SIGKILL);
	assert_true(truth_value(record, "end.memory_gone"));
	/*
	 * The victim printed the number of each block before it touched the block, and died of the
	 * touch.
	 */
	assert_in_range(blocks, LIMIT_MIB / 2, LIMIT_MIB + 32);
	assert_held(record, blocks << 20, blocks);
	assert_int_equal(stacks_with(record, "eat").blocks, blocks);
	assert_nothing_lost(record);
	/*
	 * The reaper may have taken pages before the teardown: the figures must be from before
	 * that.
	 */
	assert_true(json_is_true(field(record, "verified")));
	/* All blocks but the last were touched to their ends. */
	assert_in_range(number(record, "reclaimed.rss_anon_bytes"), (blocks - 1) * (long long)MIB,
			(blocks + 1) * (long long)MIB);
	assert_int_equal(number(record, "reclaimed.swap_bytes"), 0);
	assert_true(number(record, "reclaimed.page_table_bytes") > 0);
	if (!is_null(record, "cgroup"))
		assert_true(text(record, "cgroup")[0] == '/');
	run__free(run);
}

static void test_oom_kill_in_version_1(void **state)
{
	(void)state;
	check_oom_kill(1);
}

static void test_oom_kill_in_version_2(void **state)
{
	(void)state;
	check_oom_kill(2);
}

static void test_oom_kill_in_text(void **state)
{
	struct run *run;
	(void)state;

	if (memory_cgroup__make(&cgroup, 2, LIMIT_MIB)) {
		memory_cgroup__remove(&cgroup);
		need_cgroup(1);
	}
	run = run_tracer(ARGS("--", victim("eat"), cgroup.procs, "400"));
	assert_int_equal(run->exit_status, 128 + SIGKILL);
	assert_contains(run->err, "OOM kill");
	assert_contains(run->err, "eat.c:");
	run__free(run);
}

/* On the whole system too, an OOM kill has stacks: its reader asks where the memory came from. */
static void test_oom_kill_in_a_row_of_the_system(void **state)
{
	const char *argv[16];
	struct child_options options = { .argv = argv };
	struct child *tracer;
	struct run *run;
	const char *row;
	(void)state;

	argv[tracer_words(argv)] = NULL;
	if (memory_cgroup__make(&cgroup, 2, LIMIT_MIB)) {
		memory_cgroup__remove(&cgroup);
		need_cgroup(1);
	}
	tracer = child__start(&options);
	child__wait_output(tracer, "TIME ", 1, RUN_TIMEOUT_S);
	run__free(run_plain(ARGS(victim("eat"), cgroup.procs, "400")));
	child__wait_output(tracer, " OOM ", 1, RUN_TIMEOUT_S);
	kill(child__pid(tracer), SIGINT);
	run = child__finish(tracer, RUN_TIMEOUT_S);
	row = strstr(run->out, " OOM ");
	assert_non_null(row);
	assert_contains(row, " bytes in ");
	assert_contains(row, "eat.c:");
	run__free(run);
}

/* SIGKILL in such a cgroup, while the cgroup is not full, is no OOM kill. */
static void test_plain_kill_is_no_oom_kill(void **state)
{
	struct run *run = trace_all(ARGS(victim("die"), "kill"));
	(void)state;

	assert_string_equal(text(exit_record(run), "end.kind"), "signalled");
	run__free(run);
}

#define OOM_TEST(function) cmocka_unit_test_setup_teardown(function, harness__test_begin, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* In this order: version 1 takes the controller away from version 2 for a while. */
		OOM_TEST(test_oom_kill_in_version_2),
		OOM_TEST(test_oom_kill_in_text),
		OOM_TEST(test_oom_kill_in_a_row_of_the_system),
		OOM_TEST(test_oom_kill_in_version_1),
		OOM_TEST(test_plain_kill_is_no_oom_kill),
	};

	return cmocka_run_group_tests_name("oom", tests, harness__begin, harness__end);
}
