// SPDX-License-Identifier: GPL-2.0
/*
 * The callers of blocks: the functions, files and lines of a stack, compared with the victims' own
 * words.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"

/*
 * Compares the frames of the one block of "frames" or "inlined" with the lines that the victim
 * prints.
 */
static void check_frames(const char *program, size_t nr_checked, bool with_lines)
{
	const char *source = strstr(program, "inlined") ? "inlined.c" : "frames.c";
	struct run *run = trace_all(ARGS(program));
	const json_t *record = exit_record(run);
	const json_t *stack = stack_of_bytes(record, 4321);
	const char *line = run->out;

	assert_int_equal(run->exit_status, 0);
	for (size_t i = 0; i < nr_checked; i++, line = strchr(line, '\n') + 1) {
		const json_t *frame = json_array_get(field(stack, "frames"), i);
		char function[64];
		int expected;

		assert_int_equal(sscanf(line, "%63s %d", function, &expected), 2);
		if (strcmp(frame_function(stack, i), function) != 0)
			run__print(run);
		assert_string_equal(frame_function(stack, i), function);
		assert_non_null(text(frame, "module"));
		if (!with_lines)
			continue;
		assert_contains(text(frame, "file"), source);
		assert_int_equal(number(frame, "line"), expected);
	}
	run__free(run);
}

static void test_frames(void **state)
{
	(void)state;
	check_frames(victim("frames"), 4, true);
}

static void test_frames_static(void **state)
{
	(void)state;
	check_frames(victim("frames_static"), 4, true);
}

static void test_frames_not_relocated(void **state)
{
	(void)state;
	check_frames(victim("frames_nopie"), 4, true);
}

static void test_frames_musl(void **state)
{
	(void)state;
	check_frames(optional_victim("frames_musl"), 4, true);
}

/* Without frame pointers the walk may end early, but the immediate caller is known. */
static void test_immediate_caller_without_frame_pointers(void **state)
{
	(void)state;
	check_frames(victim("frames_omit"), 1, true);
}

static void test_inlined_frames(void **state)
{
	struct run *run = trace_all(ARGS(victim("inlined")));
	const json_t *stack = stack_of_bytes(exit_record(run), 4321);

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		const json_t *frame = json_array_get(field(stack, "frames"), i);

		/* take and wrap are in holder. */
		assert_int_equal(truth_value(frame, "inlined"), i < 2);
		assert_contains(text(frame, "module"), "inlined");
		assert_true(strlen(text(frame, "build_id")) >= 8);
	}
	run__free(run);
	check_frames(victim("inlined"), 4, true);

	run = run_tracer(ARGS("--", victim("inlined")));
	assert_contains(run->err, "(inlined)");
	run__free(run);
}

/* The process has ended when its report is made, but its perf map is still found. */
static void test_code_made_at_run_time(void **state)
{
	struct run *run = trace_all(ARGS(victim("run_time_code")));
	const json_t *stack;

	(void)state;
	assert_int_equal(run->exit_status, 0);
	if (!strcmp(run->out, "none\n"))
		SKIP("no code for this machine");
	*strchr(run->out, '\n') = '\0';
	unlink(run->out);
	stack = stack_of_bytes(exit_record(run), 4321);
	assert_string_equal(frame_function(stack, 0), "take");
	assert_string_equal(frame_function(stack, 1), "Interpreter::run(made, here)");
	assert_true(is_null(json_array_get(field(stack, "frames"), 1), "module"));
	assert_string_equal(frame_function(stack, 2), "main");
	run__free(run);
}

/* The container's /tmp is not ours, and the program's PID is another there. */
static void test_code_made_in_a_container(void **state)
{
	/*
	 * The new /tmp can hide the program, so the program is opened before. At its first run, its
	 * unwind table may come too late for its first calls.
	 */
	const char *script = "exec 3<\"$0\"; mount -t tmpfs none /tmp && /proc/self/fd/3 && "
			     "exec /proc/self/fd/3";
	struct run *run;
	unsigned int nr_seen = 0;

	(void)state;
	if (!have_program("unshare"))
		SKIP("unshare is not there");
	run = trace(ARGS("-f", "-T", "1000000"), ARGS("unshare", "--fork", "--pid", "--mount", "sh",
						      "-c", script, victim("run_time_code")));
	assert_int_equal(run->exit_status, 0);
	if (!strncmp(run->out, "none\n", 5))
		SKIP("no code for this machine");
	for (unsigned int i = 0; i < count_events(run, "exit"); i++) {
		const json_t *record = event_record(run, "exit", i);

		if (stacks_with(record, "take").blocks != 1)
			continue;
		assert_true(number(record, "pid_in_namespace") < 10);
		if (nr_seen++)
			assert_string_equal(frame_function(stack_of_bytes(record, 4321), 1),
					    "Interpreter::run(made, here)");
	}
	assert_int_equal(nr_seen, 2);
	run__free(run);
}

static void test_cxx_names(void **state)
{
	struct run *run = trace_all(ARGS(victim("shapes")));
	const json_t *record = exit_record(run);
	(void)state;

	assert_int_equal(stacks_with(record, "shapes::Polygon::grow(int)").blocks, 6);
	assert_int_equal(stacks_with(record, "long* shapes::Polygon::clone<long>(long)").blocks, 1);
	run__free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_frames),
		SYSTEM_TEST(test_frames_static),
		SYSTEM_TEST(test_frames_not_relocated),
		SYSTEM_TEST(test_frames_musl),
		SYSTEM_TEST(test_immediate_caller_without_frame_pointers),
		SYSTEM_TEST(test_inlined_frames),
		SYSTEM_TEST(test_code_made_at_run_time),
		SYSTEM_TEST(test_code_made_in_a_container),
		SYSTEM_TEST(test_cxx_names),
	};

	return cmocka_run_group_tests_name("frames", tests, harness__begin, harness__end);
}
