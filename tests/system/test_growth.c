// SPDX-License-Identifier: GPL-2.0
/* Reports at intervals: what has grown comes first, and a leak is told from a cache. */
#include <stdio.h>
#include <string.h>

#include "harness.h"

#define NR_CACHES 24
#define LEAK_BYTES 48
#define NR_PER_INTERVAL 100

/* A daemon with caches, and a tracer of it that reports every second. */
struct watched {
	struct child *daemon, *tracer;
	unsigned int nr_told;
};

static struct watched begin(const char *const *options)
{
	const char *argv[] = { victim("grow"), NULL };
	struct child_options child = { .argv = argv, .stdin_pipe = true };
	struct watched watched = { .daemon = child__start(&child) };
	const char *words[16] = { NULL };
	char pid[16];
	size_t n = 0;

	child__wait_output(watched.daemon, "ready\n", 1, 30);
	snprintf(pid, sizeof(pid), "%d", (int)child__pid(watched.daemon));
	while (*options)
		words[n++] = *options++;
	words[n++] = "-p";
	words[n++] = pid;
	words[n++] = "1";
	watched.tracer = start_tracer(words);
	return watched;
}

/* The caches then hold blocks that the tracer knows. */
static void tell(struct watched *watched, const char *command)
{
	child__send(watched->daemon, command);
	child__wait_output(watched->daemon, "ok\n", ++watched->nr_told, 30);
}

/* Tells the command right after each of the first nr reports. */
static void tell_after_each(struct watched *watched, const char *command, unsigned int nr)
{
	for (unsigned int i = 1; i <= nr; i++) {
		child__wait_event(watched->tracer, "outstanding", i, 30);
		tell(watched, command);
	}
	child__wait_event(watched->tracer, "outstanding", nr + 1, 30);
}

static struct run *end(struct watched *watched)
{
	struct run *run = stop_tracer(watched->tracer);

	child__close_stdin(watched->daemon);
	run__free(child__finish(watched->daemon, 30));
	return run;
}

static const json_t *stack_of(const json_t *record, const char *function)
{
	const json_t *stack;
	size_t i;

	json_array_foreach(field(record, "stacks"), i, stack)
	{
		if (!strcmp(frame_function(stack, 0), function))
			return stack;
	}
	fail_msg("no stack of %s", function);
	return NULL;
}

static void test_a_leak_among_caches(void **state)
{
	struct watched watched = begin(ARGS("-T", "100"));
	struct run *run;
	(void)state;

	tell(&watched, "serve 100\n");
	tell_after_each(&watched, "serve 100\n", 4);
	run = end(&watched);
	assert_null(json_object_get(event_record(run, "outstanding", 0), "growth_s"));
	for (unsigned int i = 1; i <= 4; i++) {
		const json_t *record = event_record(run, "outstanding", i);
		const json_t *stack = json_array_get(field(record, "stacks"), 0);

		assert_string_equal(frame_function(stack, 0), "audit_log_append");
		assert_int_equal(number(stack, "growth.bytes"), NR_PER_INTERVAL * LEAK_BYTES);
		assert_int_equal(number(stack, "growth.blocks"), NR_PER_INTERVAL);
		assert_int_equal(number(stack, "growth.old_bytes"),
				 i * NR_PER_INTERVAL * LEAK_BYTES);
		assert_int_equal(number(stack, "growth.long_bytes"),
				 i * NR_PER_INTERVAL * LEAK_BYTES);
		assert_int_equal(truth_value(stack, "growth.like_a_leak"), i >= 2);
		assert_int_equal(number(record, "growth.bytes"), NR_PER_INTERVAL * LEAK_BYTES);
		assert_int_equal(number(record, "steady.stacks"), NR_CACHES);
		assert_int_equal(number(record, "steady.growth_bytes"), 0);
		/* A cache's blocks are all new ones. */
		stack = stack_of(record, "cache_7");
		assert_int_equal(number(stack, "growth.bytes"), 0);
		assert_int_equal(number(stack, "growth.old_bytes"), 0);
		assert_false(truth_value(stack, "growth.like_a_leak"));
	}
	run__free(run);
}

static void test_a_cache_fills_and_is_level(void **state)
{
	struct watched watched = begin(ARGS("-T", "100"));
	const json_t *stack;
	struct run *run;
	(void)state;

	tell(&watched, "fill 10\n");
	tell_after_each(&watched, "fill 300\n", 8);
	run = end(&watched);
	/* It has room for 1,000 blocks: it grows until the fifth report, and then is level. */
	for (unsigned int i = 1; i <= 8; i++) {
		stack = stack_of(event_record(run, "outstanding", i), "table_insert");
		assert_int_equal(number(stack, "bytes"), i >= 4 ? 100000 : 1000 + i * 30000);
		if (i >= 5) {
			assert_int_equal(number(stack, "growth.bytes"), 0);
			assert_false(truth_value(stack, "growth.like_a_leak"));
		}
	}
	run__free(run);
}

static void test_what_shrinks_comes_last(void **state)
{
	struct watched watched = begin(ARGS("-T", "100"));
	const json_t *record, *stack;
	struct run *run;
	(void)state;

	tell(&watched, "fill 1000\n");
	tell(&watched, "serve 100\n");
	tell_after_each(&watched, "shrink\n", 1);
	run = end(&watched);
	record = event_record(run, "outstanding", 1);
	stack = json_array_get(field(record, "stacks"), NR_CACHES + 1);
	assert_string_equal(frame_function(stack, 0), "table_insert");
	assert_int_equal(number(stack, "growth.bytes"), -50000);
	assert_int_equal(number(stack, "growth.old_bytes"), 50000);
	assert_int_equal(number(record, "growth.bytes"), -50000);
	assert_int_equal(number(record, "steady.stacks"), NR_CACHES + 2);
	assert_int_equal(number(record, "steady.growth_bytes"), -50000);
	run__free(run);
}

static void test_other_orders(void **state)
{
	struct watched watched = begin(ARGS("-T", "2", "--sort", "old"));
	const json_t *record;
	struct run *run;
	(void)state;

	tell(&watched, "fill 1000\n");
	tell_after_each(&watched, "serve 100\n", 1);
	run = end(&watched);
	record = event_record(run, "outstanding", 0);
	assert_int_equal(number(json_array_get(field(record, "stacks"), 0), "bytes"), 100000);
	record = event_record(run, "outstanding", 1);
	assert_string_equal(frame_function(json_array_get(field(record, "stacks"), 0), 0),
			    "table_insert");
	assert_true(is_null(record, "steady"));
	run__free(run);

	watched = begin(ARGS("-T", "1", "--sort", "held"));
	tell(&watched, "fill 900\n");
	tell_after_each(&watched, "serve 100\n", 1);
	run = end(&watched);
	record = event_record(run, "outstanding", 1);
	/* 330,000 bytes. */
	assert_string_equal(frame_function(json_array_get(field(record, "stacks"), 0), 0),
			    "cache_23");
	run__free(run);
}

/* What is called from main is below it, the largest first, and the small ones are one row. */
static void test_tree(void **state)
{
	const char *argv[] = { victim("grow"), NULL };
	struct child_options child = { .argv = argv, .stdin_pipe = true };
	struct watched watched = { .daemon = child__start(&child) };
	const char *words[] = { tracer_path(), "--tree", "6", "-p", NULL, "1", "2", NULL };
	char pid[16];
	struct run *run;
	const char *second;
	(void)state;

	child__wait_output(watched.daemon, "ready\n", 1, 30);
	snprintf(pid, sizeof(pid), "%d", (int)child__pid(watched.daemon));
	words[4] = pid;
	child = (struct child_options){ .argv = words };
	watched.tracer = child__start(&child);
	child__wait_output(watched.tracer, "Ctrl-C", 1, 30);
	tell(&watched, "serve 100\n");
	child__wait_output(watched.tracer, "outstanding", 1, 30);
	tell(&watched, "serve 100\n");
	run = child__finish(watched.tracer, 30);
	assert_int_equal(run->exit_status, 0);
	/* 5,164,800 bytes: 330,000 of cache_23 are 6.4 %, 310,000 of cache_21 are 6.0 %. */
	assert_contains(run->out, "  100.0 %   4.92M    2.50K  ");
	assert_contains(run->out, "\n    6.4 %    322K      100    cache_23  grow.c:");
	assert_contains(run->out, "\n    6.0 %    302K      100    cache_21  grow.c:");
	assert_contains(run->out, "    22 more stacks, each below 6 %\n");
	second = strstr(run->out, "GROWTH");
	assert_non_null(second);
	assert_contains(second, "  100.0 %  +4.68K   9.37K      200  ");
	assert_contains(second, " > audit_log_append  grow.c:");
	assert_null(strstr(second, "cache_"));
	run__free(run);
	child__close_stdin(watched.daemon);
	run__free(child__finish(watched.daemon, 30));
}

/* Memory of the program's own mappings: nothing that is held explains it, and the report says so. */
static void test_growth_elsewhere(void **state)
{
	struct watched watched = begin(ARGS("-T", "1"));
	const json_t *record;
	struct run *run;
	(void)state;

	tell_after_each(&watched, "map 8\n", 2);
	run = end(&watched);
	record = event_record(run, "outstanding", 0);
	assert_true(number(record, "resident.anon_bytes") > (long long)(5 * MIB));
	assert_true(number(record, "resident.file_bytes") > 0);
	record = event_record(run, "outstanding", 1);
	assert_int_equal(number(record, "growth.bytes"), 0);
	/* The kernel's figure is some pages off. */
	assert_in_range(number(record, "growth.anon_bytes"), 8 * MIB - MIB / 2, 8 * MIB + MIB / 2);
	run__free(run);
}

/* As a person reads it: the leak on top, the caches in one line. */
static void test_text(void **state)
{
	const char *argv[] = { victim("grow"), NULL };
	struct child_options child = { .argv = argv, .stdin_pipe = true };
	struct watched watched = { .daemon = child__start(&child) };
	const char *words[] = { tracer_path(), "-p", NULL, "1", "4", NULL };
	char pid[16];
	struct run *run;
	const char *third;
	(void)state;

	child__wait_output(watched.daemon, "ready\n", 1, 30);
	snprintf(pid, sizeof(pid), "%d", (int)child__pid(watched.daemon));
	words[2] = pid;
	child = (struct child_options){ .argv = words };
	watched.tracer = child__start(&child);
	child__wait_output(watched.tracer, "Ctrl-C", 1, 30);
	tell(&watched, "serve 100\n");
	for (unsigned int i = 1; i < 4; i++) {
		child__wait_output(watched.tracer, "outstanding", i, 30);
		tell(&watched, "serve 100\n");
	}
	run = child__finish(watched.tracer, 30);
	assert_int_equal(run->exit_status, 0);
	third = strstr(run->out, "14,400 bytes in 300 blocks");
	assert_non_null(third);
	assert_contains(third, " blocks, 66 % older) from\n      audit_log_append");
	assert_contains(run->out, "a minute, 100 % survives: likely a leak\n  +4,800 bytes in ");
	assert_contains(third, "\n  24 stacks did not grow: 5,160,000 bytes in 2,400 blocks\n");
	assert_null(strstr(third, "cache_"));
	run__free(run);
	child__close_stdin(watched.daemon);
	run__free(child__finish(watched.daemon, 30));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_a_leak_among_caches),
		SYSTEM_TEST(test_a_cache_fills_and_is_level),
		SYSTEM_TEST(test_what_shrinks_comes_last),
		SYSTEM_TEST(test_other_orders),
		SYSTEM_TEST(test_growth_elsewhere),
		SYSTEM_TEST(test_tree),
		SYSTEM_TEST(test_text),
	};

	return cmocka_run_group_tests_name("growth", tests, harness__begin, harness__end);
}
