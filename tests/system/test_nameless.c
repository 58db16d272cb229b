// SPDX-License-Identifier: GPL-2.0
/*
 * Programs whose allocator has no name, or is none that is probed: what they held is exact or
 * unknown, and never a mere 0.
 */
#include <stdlib.h>
#include <unistd.h>

#include "harness.h"

/* A static glibc allocates a few blocks for its loader's paths before main. */
#define STATIC_START_BLOCKS 10

static void check_unknown(const json_t *record)
{
	assert_true(is_null(record, "held"));
	assert_true(is_null(record, "totals"));
	assert_false(truth_value(record, "has_allocator"));
	assert_true(is_null(record, "not_looked_at"));
	assert_int_equal(json_array_size(field(record, "stacks")), 0);
	/* The rest of the report comes nevertheless. */
	assert_reclaimed(record);
}

static void test_no_allocator(void **state)
{
	struct run *run = trace_all(ARGS(victim("no_allocator")));
	const json_t *record = exit_record(run);
	(void)state;

	assert_int_equal(run->exit_status, 5);
	check_unknown(record);
	assert_in_range(number(record, "reclaimed.rss_anon_bytes"), 4 * MIB, 5 * MIB);
	run__free(run);

	run = run_tracer(ARGS("--", victim("no_allocator")));
	assert_int_equal(run->exit_status, 5);
	assert_contains(run->err, "no allocator found");
	run__free(run);
}

/*
 * libc is mapped and probed, but the program's memory comes from elsewhere: what it held is unknown
 * as long as it calls nothing of libc's, and never a mere 0.
 */
static void test_unknown_pool(void **state)
{
	struct run *run = trace_all(ARGS(victim("unknown_pool")));
	(void)state;

	assert_int_equal(run->exit_status, 0);
	check_unknown(exit_record(run));
	assert_in_range(number(exit_record(run), "unexplained_bytes"), 40000000, 41 * MIB);
	run__free(run);

	run = trace_all(ARGS(victim("unknown_pool"), "call"));
	assert_held(exit_record(run), 4096, 1);
	assert_in_range(number(exit_record(run), "unexplained_bytes"), 40000000 - 16384, 41 * MIB);
	run__free(run);

	run = run_tracer(ARGS("--", victim("unknown_pool")));
	assert_contains(run->err, "unknown: it called no function that is probed\n");
	assert_contains(run->err, "MiB of memory that no probed function gave\n");
	run__free(run);

	/* Blocks of 16 bytes, of which each keeps a page to itself. */
	run = trace_all(ARGS(victim("unknown_pool"), "call", "aligned"));
	assert_int_equal(number(exit_record(run), "unexplained_bytes"), 0);
	run__free(run);

	/* What malloc gave is explained. */
	run = trace_all(ARGS(victim("leak64")));
	assert_int_equal(number(exit_record(run), "unexplained_bytes"), 0);
	run__free(run);
}

/* malloc is in the program, without a name: unknown is the truth, 0 would be a lie. */
static void test_nameless_allocator(void **state)
{
	struct run *run;
	(void)state;

	if (access(victim("leak64_musl_stripped"), X_OK))
		skip();
	run = trace_all(ARGS(victim("leak64_musl_stripped")));
	assert_int_equal(run->exit_status, 0);
	check_unknown(exit_record(run));
	assert_true(number(exit_record(run), "reclaimed.rss_anon_bytes") >= (long long)(64 * MIB));
	run__free(run);
}

/* glibc's malloc is known by its code, and by no name. */
static void test_nameless_glibc(void **state)
{
	struct run *run = trace_all(ARGS(victim("leak64_static_stripped")));
	struct truth truth;
	const json_t *record = exit_record(run);
	(void)state;

	assert_in_range(number(record, "held.bytes"), 64 * MIB, 64 * MIB + 4096);
	run__free(run);
	/* pvalloc's size is seen as glibc rounds it up. */
	run = trace_all(ARGS(victim("family_static_stripped"), "portable"));
	record = exit_record(run);
	truth = truth_of(run, 0);
	assert_in_range(number(record, "held.blocks") - truth.held_blocks, 0, STATIC_START_BLOCKS);
	assert_in_range(number(record, "held.bytes") - truth.held_bytes, 0, 4096);
	assert_int_equal(number(record, "totals.freed_blocks"), truth.freed_blocks);
	assert_int_equal(number(record, "totals.freed_bytes"), truth.freed_bytes);
	assert_int_equal(number(record, "totals.unknown_frees"), 0);
	run__free(run);
}

static void test_stripped_program(void **state)
{
	struct run *run = trace_all(ARGS(victim("leak64_stripped")));
	const json_t *record = exit_record(run);
	const json_t *stack;
	(void)state;

	assert_held(record, 64 * MIB, 1);
	stack = json_array_get(field(record, "stacks"), 0);
	/* There is no name, but a place: module and offset. */
	assert_contains(text(json_array_get(field(stack, "frames"), 0), "module"),
			"leak64_stripped");
	assert_non_null(text(json_array_get(field(stack, "frames"), 0), "offset"));
	run__free(run);
}

static void test_static_program(void **state)
{
	struct run *run = trace_all(ARGS(victim("leak64_static")));
	(void)state;

	assert_int_equal(stacks_with(exit_record(run), "main").bytes, 64 * MIB);
	run__free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_no_allocator),	      SYSTEM_TEST(test_unknown_pool),
		SYSTEM_TEST(test_nameless_allocator), SYSTEM_TEST(test_nameless_glibc),
		SYSTEM_TEST(test_stripped_program),   SYSTEM_TEST(test_static_program),
	};

	return cmocka_run_group_tests_name("nameless allocators", tests, harness__begin,
					   harness__end);
}
