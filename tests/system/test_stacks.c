// SPDX-License-Identifier: GPL-2.0
/*
 * Stacks without frame pointers, to the bottom. The oracle: all stacks that a program allocates on
 * are those that gdb shows when it stops the same program in the allocator, frame by frame, and
 * each allocates as often. Both runs have the same environment, streams and addresses, and keep all
 * blocks. make check-stacks compares large programs too (STACKS_ALL).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture_files.h"
#include "gdb_stacks.h"
#include "harness.h"
#include "stack_set.h"

#define MAX_WORDS 16
#define MAX_VARIABLES 16
#define WANTED_SHARE 0.995

struct program {
	const char *name;
	const char *argv[MAX_WORDS]; /* a first word without a slash names a victim */
	bool is_static; /* nothing can be preloaded: it frees nothing by itself */
	bool large; /* only with STACKS_ALL */
	/*
	 * The walk may end in this module's code, short of the bottom but true so far: the loader's
	 * resolver has its frame's address in rbx. NULL: none.
	 */
	const char *may_end_in;
	bool known_gap; /* most of its stacks are cut there: left out of the share */
	unsigned long max_late; /* calls cut in code from dlopen, before its table was there */
};

static const struct program programs[] = {
	{ .name = "walks", .argv = { "walks" } },
	{ .name = "walks, stripped", .argv = { "walks_stripped" } },
	{ .name = "walks, static", .argv = { "walks_static" }, .is_static = true },
	{ .name = "walks, static-pie", .argv = { "walks_static_pie" }, .is_static = true },
	{ .name = "C++ and exceptions", .argv = { "walks_cxx" } },
	{ .name = "two libraries at one address", .argv = { "two_plugins" }, .max_late = 2 },
	{ .name = "each instruction, static", .argv = { "single_step_static" }, .is_static = true },
	{ .name = "each instruction", .argv = { "single_step" }, .large = true },
	{ .name = "each instruction of the resolver",
	  .argv = { "single_step", "resolver" },
	  .large = true,
	  .may_end_in = "ld-linux",
	  .known_gap = true },
	{ .name = "ls", .argv = { "/bin/ls", "-laR", "--color=always", "tree" } },
	{ .name = "sort", .argv = { "/usr/bin/sort", "--parallel=1", "-S", "1M", "text" } },
	{ .name = "git log",
	  .argv = { "/usr/bin/git", "--no-pager", "-C", "repository", "log", "--stat" } },
	{ .name = "bash",
	  .argv = { "/bin/bash", "--norc", "-c",
		    "a=(); for i in {1..20}; do a+=(\"x$i\"); done;"
		    "f() { local b=$1; echo ${b^^}; [[ $b =~ x ]] && echo y; };"
		    "f z; echo ${#a[@]} ${a[*]}" } },
	{ .name = "perl",
	  .argv = { "/usr/bin/perl", "-ne",
		    "$h{$1}++ if /line (\\d+)/; END { print scalar keys %h }", "text" } },
	{ .name = "python3",
	  .argv = { "/usr/bin/python3", "-S", "-c",
		    "d = {w: [w] * (len(w) % 5) for w in open('text').read().split()};"
		    "print(len(d), sum(len(v) for v in d.values()), '-'.join(sorted(d)[:50]))" } },
	{ .name = "python3 with modules",
	  .argv = { "/usr/bin/python3", "-S", "-c",
		    "import json; print(json.dumps([1, {'a': 2.5}]))" },
	  .large = true,
	  .max_late = 8 },
	{ .name = "clang",
	  .argv = { "/usr/bin/clang", "-w", "-O1", "-c", "-o", "/dev/null", "small.c" },
	  .large = true },
};

#define NR_PROGRAMS (sizeof(programs) / sizeof(programs[0]))

static char folder[4096];
static size_t nr_compared, nr_equal;

/* ---- where programs run ---- */

static char *environment[MAX_VARIABLES + 1] = {
	(char *)"PATH=/usr/bin:/bin",
	(char *)"LC_ALL=C",
	(char *)"TZ=UTC",
	(char *)"GIT_CONFIG_NOSYSTEM=1",
	(char *)"GIT_AUTHOR_NAME=A",
	(char *)"GIT_AUTHOR_EMAIL=a@example.org",
	(char *)"GIT_AUTHOR_DATE=2026-01-01T00:00:00Z",
	(char *)"GIT_COMMITTER_NAME=A",
	(char *)"GIT_COMMITTER_EMAIL=a@example.org",
	(char *)"GIT_COMMITTER_DATE=2026-01-01T00:00:00Z",
	(char *)"PYTHONHASHSEED=0",
	(char *)"PYTHONDONTWRITEBYTECODE=1",
	(char *)"PERL_HASH_SEED=0",
};

static void add_variable(const char *name, const char *value)
{
	char *variable = malloc(strlen(name) + strlen(value) + 2);
	size_t n = 0;

	assert_non_null(variable);
	sprintf(variable, "%s=%s", name, value);
	while (environment[n] && strncmp(environment[n], variable, strlen(name) + 1) != 0)
		n++;
	assert_true(n < MAX_VARIABLES);
	environment[n] = variable;
}

static void make_repository(void)
{
	static const char *const steps[][9] = {
		{ "git", "init", "-q", "-b", "main", "repository" },
		{ "git", "-C", "repository", "add", "-A" },
		{ "git", "-C", "repository", "commit", "-q", "-m", "First" },
		{ "git", "-C", "repository", "mv", "folder1", "folder9" },
		{ "git", "-C", "repository", "commit", "-q", "-m", "Second" },
		{ "git", "-C", "repository", "gc", "-q" },
	};

	fixture_files__make_tree(folder, "repository");
	for (size_t i = 0; have_program("git") && i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct child_options options = { .argv = steps[i],
						 .directory = folder,
						 .environment = environment };

		run__free(run_with(&options, 60));
	}
}

static int begin(void **state)
{
	char path[4200];
	FILE *source;

	if (harness__begin(state))
		return -1;
	snprintf(folder, sizeof(folder), "%s", scratch("folder"));
	if (mkdir(folder, 0755))
		return -1;
	add_variable("HOME", folder);
	fixture_files__make(folder);
	fixture_files__make_tree(folder, "tree");
	make_repository();
	snprintf(path, sizeof(path), "%s/small.c", folder);
	source = fopen(path, "w");
	if (!source)
		return -1;
	fprintf(source, "int add(int a, int b) { return a + b; }\n");
	fclose(source);
	return 0;
}

/* ---- the two runs ---- */

static size_t add_words(const char **argv, size_t n, const struct program *program)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s",
		 strchr(program->argv[0], '/') ? program->argv[0] : victim(program->argv[0]));
	argv[n++] = path;
	for (size_t i = 1; program->argv[i]; i++)
		argv[n++] = program->argv[i];
	argv[n] = NULL;
	return n;
}

/*
 * Turns off random addresses as gdb does: then numbers that a program makes of addresses are the
 * same.
 */
static int without_random_addresses(void *context)
{
	(void)context;
	return personality(ADDR_NO_RANDOMIZE) < 0;
}

/* *found refers to the run's record. */
static struct run *run_traced(const struct program *program, struct stack_set *found)
{
	const char *report = scratch("stacks.json");
	const char *const options[] = { "--json", "-T", "1000000", "-w", report, "--", NULL };
	const char *argv[MAX_WORDS + 16] = { NULL };
	struct child_options child = { .argv = argv,
				       .directory = folder,
				       .environment = environment,
				       .prepare = without_random_addresses,
				       .stdout_path = "/dev/null",
				       .report_path = report };
	size_t n = tracer_words(argv);
	const json_t *record;
	struct run *run;

	for (size_t i = 0; options[i]; i++)
		argv[n++] = options[i];
	add_words(argv, n, program);
	run = run_with(&child, RUN_TIMEOUT_S);
	record = exit_record(run);
	assert_string_equal(text(record, "end.kind"), "exited");
	assert_int_equal(number(record, "end.code"), 0);
	assert_nothing_lost(record);
	stack_set__of_record(found, record);
	return run;
}

/*
 * While another tracer on this machine has breakpoints in the program, gdb's own are not seen. That
 * shows in the number of calls, whatever the stacks are.
 */
static void run_gdb(const struct program *program, struct stack_set *expected,
		    unsigned long nr_calls)
{
	const char *argv[MAX_WORDS + 1];
	struct child_options child = { .argv = argv,
				       .directory = folder,
				       .environment = environment };

	add_words(argv, 0, program);
	for (int i = 0; i < 4; i++) {
		gdb_stacks__list(expected, &child);
		if (stack_set__nr_calls(expected) == nr_calls)
			return;
		print_message("gdb saw %lu calls of %lu\n", stack_set__nr_calls(expected),
			      nr_calls);
		stack_set__free(expected);
		sleep(1);
	}
	fail_msg("gdb sees another number of calls");
}

/* Older kernels can't walk by tables, and a run of all tests may be told not to. */
static void skip_unless_by_tables(void)
{
	const char *argv[MAX_WORDS] = { NULL };
	struct child_options child = { .argv = argv };
	size_t n = tracer_words(argv);
	struct run *run;
	json_t *features;
	bool by_tables;

	argv[n++] = "--features";
	argv[n++] = "--json";
	argv[n] = NULL;
	run = run_with(&child, RUN_TIMEOUT_S);
	features = json_loads(run->out, 0, NULL);
	assert_non_null(features);
	by_tables = !strcmp(text(features, "chosen.stack_walk"), "tables");
	json_decref(features);
	run__free(run);
	if (!by_tables)
		SKIP("stacks are not walked by tables");
}

/* ---- what is compared ---- */

static const char *last_frame(const char *frames)
{
	const char *tab = strrchr(frames, '\t');

	return tab ? tab + 1 : frames;
}

static bool may_end(const struct program *program, const struct listed_stack *stack)
{
	return program->may_end_in && strstr(last_frame(stack->frames), program->may_end_in);
}

/* Cut stacks must say why, and it must be one of the reasons that this program has. */
static unsigned long count_late(const struct program *program, const struct stack_set *found)
{
	unsigned long nr_calls = 0;

	for (size_t i = 0; i < found->nr; i++) {
		const struct listed_stack *stack = &found->stack[i];

		if (!strcmp(stack->end, "complete") || !strcmp(stack->end, "full") ||
		    may_end(program, stack))
			continue;
		if (strcmp(stack->end, "no_table") != 0)
			fail_msg("cut (%s): %s", stack->end, stack->frames);
		nr_calls += stack->nr_calls;
	}
	return nr_calls;
}

static void show(const struct program *program, const struct stack_comparison *result)
{
	print_message("%s: %zu stacks by gdb, %zu here, %zu equal, %zu cut, %zu wrong, "
		      "%zu missing, %zu with other calls\n",
		      program->name, result->nr_expected, result->nr_found, result->nr_equal,
		      result->nr_cut, result->nr_wrong, result->nr_missing,
		      result->nr_calls_differ);
	if (result->first_wrong)
		print_message("wrong (%s): %s\n", result->first_wrong->end,
			      result->first_wrong->frames);
	if (result->first_missing)
		print_message("missing: %s\n", result->first_missing->frames);
}

static void compare(const struct program *program)
{
	struct stack_set expected, found;
	struct stack_comparison result;
	struct run *run;
	unsigned long nr_late;

	add_variable("LD_PRELOAD", program->is_static ? "" : victim("libkeep_blocks.so"));
	run = run_traced(program, &found);
	run_gdb(program, &expected, stack_set__nr_calls(&found));
	result = stack_set__compare(&expected, &found);
	show(program, &result);
	nr_late = count_late(program, &found);
	if (!program->known_gap) {
		nr_compared += result.nr_expected;
		nr_equal += result.nr_equal;
	}

	assert_int_equal(result.nr_wrong, 0);
	assert_true(nr_late <= program->max_late);
	/* A cut stack is missing among the whole ones, and its calls are counted elsewhere. */
	if (!result.nr_cut) {
		assert_int_equal(result.nr_missing, 0);
		assert_int_equal(result.nr_calls_differ, 0);
	}
	if (!program->may_end_in)
		assert_true(result.nr_missing <= program->max_late);
	stack_set__free(&expected);
	stack_set__free(&found);
	run__free(run);
}

static void test_program(void **state)
{
	const struct program *program = *state;

	skip_unless_by_tables();
	if (!have_program("gdb"))
		SKIP("no gdb");
	if (program->large && !getenv("STACKS_ALL"))
		SKIP("make check-stacks compares it");
	if (strchr(program->argv[0], '/') && access(program->argv[0], X_OK) != 0)
		SKIP("no %s", program->argv[0]);
	compare(program);
}

static void test_share_of_equal_stacks(void **state)
{
	double share = nr_compared ? (double)nr_equal / (double)nr_compared : 0;

	(void)state;
	if (!nr_compared)
		SKIP("none was compared");
	print_message("%zu stacks by gdb, %zu equal (%.3f%%)\n", nr_compared, nr_equal,
		      100 * share);
	assert_true(share >= WANTED_SHARE);
}

/* ---- without gdb ---- */

static const json_t *traced_stacks(const char *const *command, struct run **run)
{
	*run = trace_all(command);
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
	check_complete(ARGS("/bin/ls", "-laR", folder));
	check_complete(ARGS("/usr/bin/sort", "-r", "tests/system/test_stacks.c"));
	check_complete(ARGS("/bin/bash", "--norc", "-c", "a=({1..50}); b=${a[*]}"));
	if (have_program("git"))
		check_complete(ARGS("/usr/bin/git", "--no-pager", "-C", folder, "--version"));
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
	struct CMUnitTest tests[NR_PROGRAMS + 9] = {
		SYSTEM_TEST(test_distribution_programs_are_complete),
		SYSTEM_TEST(test_walks_are_complete),
		SYSTEM_TEST(test_first_runs_are_complete),
		SYSTEM_TEST(test_the_vdso_is_code_like_other),
		SYSTEM_TEST(test_cut_stacks_say_why),
		SYSTEM_TEST(test_fewer_frames),
		SYSTEM_TEST(test_as_many_frames_as_there_are),
		SYSTEM_TEST(test_no_stacks),
	};
	size_t n = 8;

	for (size_t i = 0; i < NR_PROGRAMS; i++)
		tests[n++] = (struct CMUnitTest){ .name = programs[i].name,
						  .test_func = test_program,
						  .setup_func = NULL,
						  .teardown_func = harness__test_end,
						  .initial_state = (void *)&programs[i] };
	tests[n] = (struct CMUnitTest)SYSTEM_TEST(test_share_of_equal_stacks);
	return cmocka_run_group_tests_name("stacks", tests, begin, harness__end);
}
