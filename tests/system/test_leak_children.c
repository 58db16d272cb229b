// SPDX-License-Identifier: GPL-2.0
/*
 * Leak checks of children (-f): copies that a fork made, which have blocks from their parents, and
 * programs that a child became. The truth is the victim's, and Valgrind's where there is one.
 */
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "leak_oracle.h"
#include "oracle_environment.h"
#include "valgrind.h"

#define PARENT_STATUS 0
#define CHILD_STATUS 11
#define GRANDCHILD_STATUS 12

#define MAX_PROCESSES 8

static struct run *trace_children(const char *const *command)
{
	return trace(ARGS("-f", "--leak-check=full", "--show-leak-kinds=all", "-T", "1000000"),
		     command);
}

/* The record of the process that ended with that status; only one did. */
static const json_t *exit_record_with(const struct run *run, int status)
{
	unsigned int nr = count_events(run, "exit");

	for (unsigned int i = 0; i < nr; i++) {
		const json_t *record = event_record(run, "exit", i);

		if (!is_null(record, "end.code") && number(record, "end.code") == status)
			return record;
	}
	run__print(run);
	fail_msg("no process ended with status %d", status);
	return NULL;
}

static void assert_counts(const json_t *record, enum leak_kind kind, long long bytes,
			  long long blocks)
{
	struct leak_counts counts = leak_counts__of(record);

	assert_int_equal(counts.of[kind].bytes, bytes);
	assert_int_equal(counts.of[kind].blocks, blocks);
}

/* ---- against Valgrind ---- */

static size_t ask_valgrind(const char *const *command, struct leak_counts *counts)
{
	struct child_options program = { .argv = command };
	size_t nr = 0;
	glob_t logs;

	run__free(valgrind__run(&program, scratch("children.%p"),
				ARGS("--leak-check=full", "--show-leak-kinds=all",
				     "--child-silent-after-fork=no")));
	assert_int_equal(glob(scratch("children.*"), 0, NULL, &logs), 0);
	for (size_t i = 0; i < logs.gl_pathc && nr < MAX_PROCESSES; i++) {
		char *log = valgrind__take_log(logs.gl_pathv[i]);

		counts[nr++] = leak_oracle__read_log(log);
		free(log);
	}
	globfree(&logs);
	return nr;
}

/* Takes them out of the list. */
static bool take_equal(struct leak_counts *list, size_t *nr, const struct leak_counts *counts)
{
	for (size_t i = 0; i < *nr; i++) {
		if (!leak_counts__equal(&list[i], counts))
			continue;
		list[i] = list[--*nr];
		return true;
	}
	return false;
}

/* A copy holds what it got from its parent and has not freed, and that is classified too. */
static void test_forked_copies(void **state)
{
	const char *const *command = ARGS(victim("leak_forks"), "forks");
	struct leak_counts by_valgrind[MAX_PROCESSES];
	struct run *run = trace_children(command);
	const json_t *child = exit_record_with(run, CHILD_STATUS);
	const json_t *grandchild = exit_record_with(run, GRANDCHILD_STATUS);
	const json_t *parent = exit_record_with(run, PARENT_STATUS);
	size_t nr;
	(void)state;

	assert_counts(parent, LEAK_DEFINITE, 2 * 64 + 48, 3);
	assert_counts(parent, LEAK_INDIRECT, 9 * 48, 9);
	assert_counts(child, LEAK_DEFINITE, 2 * 64 + 48 + 3 * 256 + 115, 7);
	assert_counts(child, LEAK_INDIRECT, 9 * 48, 9);
	assert_counts(grandchild, LEAK_DEFINITE, 2 * 64 + 48 + 3 * 256 + 115 + 116 + 512, 9);
	assert_counts(grandchild, LEAK_INDIRECT, 9 * 48, 9);
	assert_false(truth_value(child, "leaks.lower_bound"));
	assert_false(truth_value(grandchild, "leaks.lower_bound"));
	if (!getenv("EMULATED") && access("/usr/bin/valgrind", X_OK) == 0) {
		nr = ask_valgrind(command, by_valgrind);
		assert_int_equal(nr, 3);
		for (unsigned int i = 0; i < 3; i++) {
			const json_t *record = event_record(run, "exit", i);
			struct leak_counts counts = leak_counts__of(record);

			if (!take_equal(by_valgrind, &nr, &counts)) {
				leak_counts__print(&counts, "traced");
				fail_msg("Valgrind counts otherwise");
			}
		}
	}
	run__free(run);
}

/*
 * What a parent has freed since the fork, its child has still. The stacks are forgotten, so such
 * blocks count as in use, and what only they point to does: a lower bound.
 */
static void test_parent_frees(void **state)
{
	struct run *run = trace_children(ARGS(victim("leak_forks"), "parent_frees"));
	const json_t *child = exit_record_with(run, CHILD_STATUS);
	(void)state;

	assert_counts(child, LEAK_DEFINITE, 2 * 64 + 48 + 3 * 256, 6);
	assert_counts(child, LEAK_INDIRECT, 9 * 48, 9);
	assert_true(truth_value(child, "leaks.lower_bound"));
	assert_string_equal(json_string_value(json_array_get(field(child, "leaks.limits"), 0)),
			    "copy");
	run__free(run);
}

/* The records of a parent that has ended are deleted, soon or late. */
static void test_orphan(void **state)
{
	struct run *run = trace_children(ARGS(victim("leak_forks"), "orphan"));
	const json_t *child = exit_record_with(run, CHILD_STATUS);
	struct leak_counts counts = leak_counts__of(child);
	(void)state;

	assert_counts(exit_record_with(run, PARENT_STATUS), LEAK_DEFINITE, 2 * 64 + 48, 3);
	if (truth_value(child, "leaks.lower_bound")) {
		assert_in_range(counts.of[LEAK_DEFINITE].bytes, 3 * 256, 2 * 64 + 48 + 3 * 256);
		assert_in_range(counts.of[LEAK_DEFINITE].blocks, 3, 6);
	} else {
		assert_counts(child, LEAK_DEFINITE, 2 * 64 + 48 + 3 * 256, 6);
	}
	run__free(run);
}

/* ---- programs ---- */

static void test_spawned_program(void **state)
{
	struct run *run =
		trace(ARGS("-f", "--leak-check=summary", "--error-exitcode=9"),
		      ARGS(victim("leak_forks"), "spawn", victim("leak_kinds"), "definite"));
	unsigned int nr_lost = 0;
	(void)state;

	for (unsigned int i = 0; i < count_events(run, "exit"); i++) {
		const json_t *record = event_record(run, "exit", i);

		if (strcmp(text(record, "comm"), "leak_kinds") == 0 &&
		    number(record, "leaks.definite.blocks") == 3)
			nr_lost++;
	}
	assert_int_equal(nr_lost, 1);
	/* What a child lost counts as well. */
	assert_int_equal(run->exit_status, 9);
	run__free(run);
}

static void test_many_children(void **state)
{
	struct run *run = trace_children(ARGS(victim("leak_forks"), "many"));
	(void)state;

	assert_int_equal(run->exit_status, 0);
	assert_int_equal(count_events(run, "exit"), 201);
	for (unsigned int i = 0; i < 201; i++) {
		const json_t *record = event_record(run, "exit", i);

		if (number(record, "end.code") == CHILD_STATUS)
			assert_counts(record, LEAK_DEFINITE, 40, 1);
	}
	run__free(run);
}

/* A shell and what it starts behave as otherwise. */
static void test_commands_are_not_changed(void **state)
{
	const char *const *command = ARGS(
		"/bin/sh", "-c",
		"ls / | sort | wc -l; (exit 3); echo $?; sh -c 'kill -TERM $$'; echo $?; exit 19");
	struct run *plain = run_plain(command),
		   *run = trace(ARGS("-f", "--leak-check=full"), command);
	(void)state;

	assert_int_equal(run->exit_status, plain->exit_status);
	assert_string_equal(run->out, plain->out);
	assert_string_equal(run->err, plain->err);
	run__free(run);
	run__free(plain);
}

/* ---- running processes ---- */

/* The latest check of a process while it ran. */
static const json_t *last_check_of(const struct run *run, pid_t pid)
{
	const json_t *last = NULL;

	for (unsigned int i = 0; i < count_events(run, "outstanding"); i++) {
		const json_t *record = event_record(run, "outstanding", i);

		if (number(record, "pid") == pid && !is_null(record, "leaks"))
			last = record;
	}
	if (!last)
		fail_msg("PID %d was never checked", (int)pid);
	return last;
}

/* A child from before the attach, and one that was forked since. */
static void test_running_children(void **state)
{
	struct child_options options = { .argv = ARGS(victim("leak_forks"), "server"),
					 .stdin_pipe = true };
	struct child *server = child__start(&options), *tracer;
	unsigned int nr_children = 0;
	struct run *run;
	pid_t parent = child__pid(server);
	(void)state;

	child__wait_output(server, "ready\n", 1, RUN_TIMEOUT_S);
	tracer = start_tracer(ARGS("-f", "-p", words("%d", (int)parent), "--leak-check=full", "-T",
				   "1000000", "1"));
	child__send(server, "go\n");
	child__wait_output(server, "lost\n", 3, RUN_TIMEOUT_S);
	child__wait_event(tracer, "outstanding", 9, RUN_TIMEOUT_S);
	child__send(server, "end\n");
	run = child__finish(server, RUN_TIMEOUT_S);
	assert_int_equal(run->exit_status, 0);
	run__free(run);
	run = child__finish(tracer, RUN_TIMEOUT_S);
	assert_int_equal(run->exit_status, 0);
	assert_counts(last_check_of(run, parent), LEAK_DEFINITE, 7 * 300, 7);
	assert_counts(last_exit_record_of(run, parent), LEAK_DEFINITE, 7 * 300, 7);
	for (unsigned int i = 0; i < count_events(run, "exit"); i++) {
		const json_t *record = event_record(run, "exit", i);
		pid_t pid = (pid_t)number(record, "pid");

		if (pid == parent)
			continue;
		nr_children++;
		assert_counts(record, LEAK_DEFINITE, 5 * 200, 5);
		assert_counts(last_check_of(run, pid), LEAK_DEFINITE, 5 * 200, 5);
	}
	assert_int_equal(nr_children, 2);
	run__free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_forked_copies),    SYSTEM_TEST(test_parent_frees),
		SYSTEM_TEST(test_orphan),	    SYSTEM_TEST(test_spawned_program),
		SYSTEM_TEST(test_many_children),    SYSTEM_TEST(test_commands_are_not_changed),
		SYSTEM_TEST(test_running_children),
	};

	return cmocka_run_group_tests_name("leak_children", tests, harness__begin, harness__end);
}
