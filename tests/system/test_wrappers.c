// SPDX-License-Identifier: GPL-2.0
/*
 * Libraries whose malloc and free call the real ones, all of which are probed: one call of the
 * program is one call in the report.
 */
#include <stdio.h>

#include "daemon.h"
#include "family.h"

/* The ways of attaching; each that this kernel has is tested. */
static const char *const ways[] = { "session", "multi", "perf" };

static bool kernel_can(const char *way)
{
	char feature[32];

	snprintf(feature, sizeof(feature), "uprobe_%s", way);
	return kernel_has(feature);
}

static void check_each_way(void (*check)(const char *way))
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (kernel_can(ways[i]))
			check(ways[i]);
}

static void check_reallocs(const char *way)
{
	struct run *run = trace(ARGS("--attach", way), ARGS(victim("realloc_forms_wrapped")));
	struct truth truth = truth_of(run, 0);

	assert_exact(exit_record(run), &truth);
	run__free(run);
}

static void test_two_wrappers(void **state)
{
	(void)state;
	check_each_way(check_reallocs);
}

static void check_copies(const char *way)
{
	struct run *run = trace(ARGS("--attach", way, "-f"), ARGS(victim("forks_wrapped")));

	compare_family(run, run, 3);
	run__free(run);
}

/* A block that a copy frees is one of those that it got, once. */
static void test_copies(void **state)
{
	(void)state;
	check_each_way(check_copies);
}

static void check_threads(const char *way)
{
	struct run *run = trace(ARGS("--attach", way, "-T", "64"),
				ARGS(victim("hammer_wrapped"), "8", "300", "25"));
	struct truth truth = truth_of(run, 0);
	const json_t *record = exit_record(run);

	/* libc allocates a few blocks more, for its threads. */
	assert_exact_in(record, &truth, ARGS("keep"), 8);
	assert_in_range(number(record, "totals.allocated_blocks"), truth.allocated_blocks,
			truth.allocated_blocks + 8);
	assert_in_range(number(record, "totals.freed_blocks"), truth.freed_blocks,
			truth.freed_blocks + 8);
	assert_in_range(number(record, "totals.unknown_frees"), 0, cached_frees(8));
	run__free(run);
}

static void test_threads(void **state)
{
	(void)state;
	check_each_way(check_threads);
}

static void check_early_blocks(const char *way)
{
	struct child *daemon = start_daemon("obey_wrapped");
	struct child *tracer;
	const json_t *record;
	struct run *run;

	child__send(daemon, "alloc 9 80\n");
	child__wait_output(daemon, "ok\n", 1, RUN_TIMEOUT_S);
	tracer = start_tracer(ARGS("--attach", way, "-p", pid_text(daemon)));
	child__send(daemon, "free 5\nalloc 4 60\nfree 2\nfree 6\n");
	child__wait_output(daemon, "ok\n", 5, RUN_TIMEOUT_S);
	end_daemon(daemon);
	run = child__finish(tracer, RUN_TIMEOUT_S);
	record = exit_record(run);
	assert_held(record, 0, 0);
	assert_int_equal(number(record, "totals.allocated_blocks"), 4);
	assert_int_equal(number(record, "totals.freed_blocks"), 4);
	assert_int_equal(number(record, "totals.unknown_frees"), 9);
	assert_nothing_lost(record);
	run__free(run);
}

static void test_blocks_from_before(void **state)
{
	(void)state;
	check_each_way(check_early_blocks);
}

/* Without wrappers, two frees are two, whatever the first has left on the stack. */
static void check_stale_stack(const char *way)
{
	struct child *daemon = start_daemon("obey");
	struct child *tracer;
	struct run *run;

	child__send(daemon, "alloc 4 80\n");
	child__wait_output(daemon, "ok\n", 1, RUN_TIMEOUT_S);
	tracer = start_tracer(ARGS("--attach", way, "-p", pid_text(daemon)));
	child__send(daemon, "below\nbelow\n");
	child__wait_output(daemon, "ok\n", 3, RUN_TIMEOUT_S);
	end_daemon(daemon);
	run = child__finish(tracer, RUN_TIMEOUT_S);
	assert_int_equal(number(exit_record(run), "totals.unknown_frees"), 4);
	run__free(run);
}

static void test_stale_return_address(void **state)
{
	(void)state;
	check_each_way(check_stale_stack);
}

static void check_part(const char *way)
{
	static const char *const programs[] = { "unseen_blocks_calls", "unseen_blocks_jumps" };

	for (size_t i = 0; i < 2; i++) {
		struct run *run = trace(ARGS("--attach", way), ARGS(victim(programs[i])));
		struct truth truth = truth_of(run, 0);
		const json_t *record = exit_record(run);

		assert_int_equal(number(record, "totals.allocated_blocks"), truth.allocated_blocks);
		assert_int_equal(number(record, "totals.freed_blocks"), truth.freed_blocks);
		assert_held(record, 0, 0);
		assert_int_equal(number(record, "totals.unknown_frees"), 60);
		run__free(run);
	}
}

/*
 * The block that calloc returned is known, though no wrapper was called; nobody has seen the
 * allocation of the other block.
 */
static void test_free_without_calloc(void **state)
{
	(void)state;
	check_each_way(check_part);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_two_wrappers),
		SYSTEM_TEST(test_copies),
		SYSTEM_TEST(test_threads),
		SYSTEM_TEST(test_blocks_from_before),
		SYSTEM_TEST(test_stale_return_address),
		SYSTEM_TEST(test_free_without_calloc),
	};

	return cmocka_run_group_tests_name("wrappers", tests, harness__begin, harness__end);
}
