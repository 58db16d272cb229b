// SPDX-License-Identifier: GPL-2.0
/* The children of a command or of a PID: followed by -f, and not unasked. */
#include <stdio.h>
#include <string.h>

#include "exits_by_name.h"
#include "family.h"
#include "wire.h"

static void test_forks_of_a_command(void **state)
{
	struct run *run = trace(ARGS("-f"), ARGS(victim("forks")));

	(void)state;
	compare_family(run, run, 3);
	assert_int_equal(count_events(run, "exit"), 5);
	run__free(run);
}

/* The last of them frees what the first one allocated. */
static void test_many_generations(void **state)
{
	struct run *run = trace(ARGS("-f"), ARGS(victim("forks"), "chain", "12"));

	(void)state;
	compare_family(run, run, 13);
	run__free(run);
}

/*
 * A process that descends from the first by more forks than are remembered can't know the first's
 * blocks.
 */
static void test_too_many_generations(void **state)
{
	struct run *run = trace(ARGS("-f"), ARGS(victim("forks"), "chain", "18"));
	unsigned int nr_unknown = 0;
	json_t *record;
	size_t i;

	(void)state;
	assert_int_equal(count_events(run, "exit"), 19);
	json_array_foreach(run->events, i, record)
	{
		long long unknown;

		if (!is_exit_of(record, "forks"))
			continue;
		unknown = number(record, "totals.unknown_frees");
		nr_unknown += (unsigned int)unknown;
		assert_int_equal(number(record, "lost.blocks"), unknown);
		assert_int_equal(number(record, "inherited.freed_blocks"),
				 truth_value(record, "fork_copy") && !unknown);
		if (unknown)
			assert_int_equal(number(record, "lost.causes.too_many_forks"), unknown);
		else
			assert_nothing_lost(record);
	}
	assert_int_equal(nr_unknown, 18 - WIRE_MAX_ANCESTORS);
	run__free(run);
}

static void test_children_are_not_followed_unasked(void **state)
{
	struct run *run = trace(NO_ARGS, ARGS(victim("forks")));

	(void)state;
	assert_int_equal(count_events(run, "exit"), 1);
	run__free(run);
}

static void test_children_of_a_pid(void **state)
{
	const char *const argv[] = { "/bin/sh", "-c", "read a; \"$0\" | cat; read b",
				     victim("brief"), NULL };
	struct child_options options = { .argv = argv, .stdin_pipe = true };
	struct child *shell = child__start(&options), *tracer;
	char pid[16];
	struct run *run;

	(void)state;
	snprintf(pid, sizeof(pid), "%d", child__pid(shell));
	tracer = start_tracer(ARGS("-f", "-p", pid));
	child__send(shell, "go\nend\n");
	run__free(child__finish(shell, 30));
	run = child__finish(tracer, 30);
	assert_false(run->timed_out);
	assert_int_equal(run->exit_status, 0);
	assert_brief(only_exit(run, "brief"));
	assert_int_equal(count_exits(run, "cat", NULL), 1);
	run__free(run);
}

/* strace -f would wait for them too. */
static void test_a_commands_status_with_children(void **state)
{
	struct run *run =
		trace(ARGS("-f"), ARGS("/bin/sh", "-c", "\"$0\" 300 & exit 37", victim("brief")));

	(void)state;
	assert_int_equal(run->exit_status, 37);
	assert_brief(only_exit(run, "brief"));
	run__free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_forks_of_a_command),
		SYSTEM_TEST(test_many_generations),
		SYSTEM_TEST(test_too_many_generations),
		SYSTEM_TEST(test_children_are_not_followed_unasked),
		SYSTEM_TEST(test_children_of_a_pid),
		SYSTEM_TEST(test_a_commands_status_with_children),
	};

	return cmocka_run_group_tests_name("follow", tests, harness__begin, harness__end);
}
