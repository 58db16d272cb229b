// SPDX-License-Identifier: GPL-2.0
/*
 * The oracle of stacks: all stacks that a program allocates on are those that gdb shows when it
 * stops the same program in the allocator, frame by frame, and each allocates as often. Both runs
 * have the same environment, streams and addresses, and keep all blocks. make check-stacks compares
 * large programs too (STACKS_ALL).
 */
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
#include "stack_walk.h"

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
	fixture_files__make_repository(folder, environment);
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

int main(void)
{
	struct CMUnitTest tests[NR_PROGRAMS + 1];

	for (size_t i = 0; i < NR_PROGRAMS; i++)
		tests[i] = (struct CMUnitTest){ .name = programs[i].name,
						.test_func = test_program,
						.setup_func = NULL,
						.teardown_func = harness__test_end,
						.initial_state = (void *)&programs[i] };
	tests[NR_PROGRAMS] = (struct CMUnitTest)SYSTEM_TEST(test_share_of_equal_stacks);
	return cmocka_run_group_tests_name("stacks against gdb", tests, begin, harness__end);
}
