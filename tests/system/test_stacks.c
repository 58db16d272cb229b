// SPDX-License-Identifier: GPL-2.0
/*
 * Stacks without frame pointers, to the bottom or as deep as --frames allows. See also
 * test_stacks_against_gdb.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fixture_files.h"
#include "harness.h"
#include "stack_walk.h"

static int begin(void **state)
{
	if (harness__begin(state))
		return -1;
	fixture_files__make_tree(scratch(""), "tree");
	return 0;
}

/*
 * A walk that can't look at the mappings, since the kernel is busy with them, is cut, and the report
 * says so ("busy"). That is rare, and not what these tests are about: such a program is run again.
 */
#define MAX_RUNS 5

static const json_t *traced_stacks(const char *const *command, struct run **run)
{
	*run = trace_all(command);
	for (int i = 1; i < MAX_RUNS && number(exit_record(*run), "walks.busy"); i++) {
		run__free(*run);
		*run = trace_all(command);
	}
	assert_nothing_lost(exit_record(*run));
	return field(exit_record(*run), "stacks");
}

static void check_complete(const char *const *command)
{
	struct run *run;
	const json_t *stacks = traced_stacks(command, &run), *stack;
	size_t index, nr_cut = 0;

	json_array_foreach(stacks, index, stack)
		nr_cut += strcmp(text(stack, "end"), "complete") != 0;
	if (nr_cut)
		run__print(run);
	assert_int_equal(nr_cut, 0);
	run__free(run);
}

static void test_distribution_programs_are_complete(void **state)
{
	(void)state;
	skip_unless_by_tables();
	check_complete(ARGS("/bin/ls", "-laR", scratch("tree")));
	check_complete(ARGS("/usr/bin/sort", "-r", "tests/system/test_stacks.c"));
	check_complete(ARGS("/bin/bash", "--norc", "-c", "a=({1..50}); b=${a[*]}"));
	if (have_program("git"))
		check_complete(
			ARGS("/usr/bin/git", "--no-pager", "-C", scratch("tree"), "--version"));
}

/* The part of the recursion that is deeper than 128 frames is cut, and the stack says so. */
static void check_walks(const char *program)
{
	struct run *run;
	const json_t *stacks = traced_stacks(ARGS(program), &run), *stack;
	size_t index, nr_full = 0;

	json_array_foreach(stacks, index, stack)
	{
		const char *end = text(stack, "end");

		nr_full += !strcmp(end, "full");
		if (!strcmp(end, "full"))
			assert_true(json_array_size(field(stack, "frames")) >= 128);
		else
			assert_string_equal(end, "complete");
	}
	assert_true(nr_full > 0);
	run__free(run);
}

static void test_walks_are_complete(void **state)
{
	(void)state;
	skip_unless_by_tables();
	check_walks(victim("walks"));
	check_walks(victim("walks_stripped"));
	check_walks(victim("walks_static"));
	check_walks(victim("walks_static_pie"));
	check_complete(ARGS(victim("walks_cxx")));
}

/* Adds to *nr how many stacks a program had that the tracer sees for the first time. */
static void count_first_run(const char *program, const char *arguments, size_t *nr,
			    size_t *nr_complete)
{
	char script[8192], copy[4096];
	struct run *run;
	const json_t *stack;
	json_t *record;
	size_t index;

	if (access(program, X_OK) != 0)
		return;
	snprintf(copy, sizeof(copy), "%s", scratch("never_seen"));
	snprintf(script, sizeof(script), "cp %s %s", program, copy);
	assert_int_equal(system(script), 0);
	/*
	 * The program runs in a process of its own: the tracer would read the files of a command
	 * before it runs.
	 */
	snprintf(script, sizeof(script), "%s %s; true", copy, arguments);
	run = trace(ARGS("-f", "-T", "1000"), ARGS("/bin/sh", "-c", script));
	for (unsigned int i = 0; i < count_events(run, "exit"); i++) {
		record = event_record(run, "exit", i);
		if (!strcmp(text(record, "exe"), copy))
			json_array_foreach(field(record, "stacks"), index, stack)
			{
				++*nr;
				*nr_complete += !strcmp(text(stack, "end"), "complete");
			}
	}
	run__free(run);
	unlink(copy);
}

/* The program's table comes too late for its first calls: user space finishes these walks. */
static void test_first_runs_are_complete(void **state)
{
	size_t nr = 0, nr_complete = 0;

	(void)state;
	skip_unless_by_tables();
	count_first_run("/bin/bash", "--norc -c 'a=({1..500}); b=${a[*]}'", &nr, &nr_complete);
	count_first_run("/usr/bin/perl", "-e 'my %h; $h{$_} = $_ for 1..500'", &nr, &nr_complete);
	count_first_run("/usr/bin/git", "--no-pager log -5", &nr, &nr_complete);
	count_first_run(victim("walks_cxx"), "", &nr, &nr_complete);
	print_message("%zu stacks, %zu complete\n", nr, nr_complete);
	assert_true(nr > 0);
	assert_true(nr_complete * 100 >= nr * 99);
}

/* The vdso has no file, but is unwound and named as code that has one. */
static void test_the_vdso_is_code_like_other(void **state)
{
	size_t nr = 0, index, i;
	const json_t *stacks, *stack, *frame;
	struct run *run;

	(void)state;
	skip_unless_by_tables();
	stacks = traced_stacks(ARGS(victim("single_step_static")), &run);
	json_array_foreach(stacks, index, stack)
	{
		json_array_foreach(field(stack, "frames"), i, frame)
		{
			if (is_null(frame, "module") ||
			    strcmp(text(frame, "module"), "[vdso]") != 0)
				continue;
			nr++;
			assert_string_equal(text(stack, "end"), "complete");
			assert_contains(text(frame, "function"), "time");
		}
	}
	assert_true(nr > 0);
	run__free(run);
}

/* A stack that is cut says why, below its last frame. */
static void test_cut_stacks_say_why(void **state)
{
	struct run *run;

	(void)state;
	skip_unless_by_tables();
	run = run_tracer(ARGS("-T", "1000", "--", victim("walks")));
	assert_contains(run->err, "… (no more frames were kept)");
	assert_lacks(run->err, "… (the walk by frame pointers");
	run__free(run);
}

/* ---- --frames ---- */

/* Counts the frames of the stack: inlined functions are none. */
static size_t count_frames(const json_t *stack)
{
	const json_t *frames = field(stack, "frames"), *frame;
	size_t index, nr = 0;

	json_array_foreach(frames, index, frame) nr += !truth_value(frame, "inlined");
	return nr;
}

/* 256 stacks: eight times left or right, the last choice innermost. Few are told apart by 3 frames.
 */
static void check_three_frames(const char *way)
{
	struct run *run = trace(ARGS("--stack-walk", way, "--frames", "3", "-T", "1000"),
				ARGS(victim("many_stacks"), "256", "8"));
	const json_t *record = exit_record(run), *stacks = field(record, "stacks"), *stack;
	struct truth truth = truth_of(run, 0);
	size_t index, nr = json_array_size(stacks);
	char expected[80];

	assert_exact(record, &truth);
	assert_consistent(record);
	assert_in_range(nr, 2, 4);
	json_array_foreach(stacks, index, stack)
	{
		assert_int_equal(number(stack, "blocks"), 256 / nr);
		assert_int_equal(count_frames(stack), 3);
		assert_string_equal(frame_function(stack, 0), "leaf");
		assert_string_equal(text(stack, "end"), "full");
		assert_true(truth_value(stack, "truncated"));
	}
	assert_int_equal(number(record, "walks.full"), nr);
	assert_int_equal(number(record, "walks.complete"), 0);
	run__free(run);

	run = run_tracer(ARGS("--stack-walk", way, "--frames", "3", "-v", "--",
			      victim("many_stacks"), "256", "8"));
	snprintf(expected, sizeof(expected), "0 complete of %zu; %zu: no more frames were kept", nr,
		 nr);
	assert_contains(run->err, expected);
	run__free(run);
}

static void test_fewer_frames(void **state)
{
	(void)state;
	check_three_frames("frame-pointers");
	skip_unless_by_tables();
	check_three_frames("tables");
}

static size_t check_fit(const char *nr_wanted, const char *end)
{
	struct run *run = trace(ARGS("--frames", nr_wanted), ARGS(victim("frames")));
	const json_t *stack = stack_of_bytes(exit_record(run), 4321);
	size_t nr = count_frames(stack);

	assert_string_equal(text(stack, "end"), end);
	run__free(run);
	return nr;
}

/* A stack that just fits is complete. */
static void test_as_many_frames_as_there_are(void **state)
{
	char wanted[24];
	size_t nr;

	(void)state;
	skip_unless_by_tables();
	nr = check_fit("128", "complete");
	snprintf(wanted, sizeof(wanted), "%zu", nr);
	assert_int_equal(check_fit(wanted, "complete"), nr);
	snprintf(wanted, sizeof(wanted), "%zu", nr - 1);
	assert_int_equal(check_fit(wanted, "full"), nr - 1);
	assert_int_equal(check_fit("1", "full"), 1);
}

/* Held blocks are counted all the same, and nothing is said to be lost. */
static void test_no_stacks(void **state)
{
	struct run *run =
		trace(ARGS("--stack-walk", "none"), ARGS(victim("many_stacks"), "256", "8"));
	const json_t *record = exit_record(run);

	(void)state;
	assert_held(record, 256 * 32, 256);
	assert_nothing_lost(record);
	assert_int_equal(json_array_size(field(record, "stacks")), 0);
	run__free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_distribution_programs_are_complete),
		SYSTEM_TEST(test_walks_are_complete),
		SYSTEM_TEST(test_first_runs_are_complete),
		SYSTEM_TEST(test_the_vdso_is_code_like_other),
		SYSTEM_TEST(test_cut_stacks_say_why),
		SYSTEM_TEST(test_fewer_frames),
		SYSTEM_TEST(test_as_many_frames_as_there_are),
		SYSTEM_TEST(test_no_stacks),
	};

	return cmocka_run_group_tests_name("stacks", tests, begin, harness__end);
}
