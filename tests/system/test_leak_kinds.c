// SPDX-License-Identifier: GPL-2.0
/*
 * Leak kinds of programs that know what they lose: the tracer says what the program knows and what
 * Valgrind says, block for block and byte for byte. Where there is no Valgrind, the program's own
 * knowledge remains.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "leak_oracle.h"
#include "leak_truth.h"
#include "oracle_environment.h"

static struct oracle_environment environment;
static bool have_valgrind;

static void complain(const struct leak_truth *truth, const struct leak_oracle *oracle,
		     const struct leak_counts *counts, const char *what)
{
	if (oracle->log) {
		leak_counts__print(&oracle->counts, "Valgrind");
		print_whole(strstr(oracle->log, "HEAP SUMMARY"));
	}
	if (counts)
		leak_counts__print(counts, "traced");
	fail_msg("%s %s: %s", truth->victim, truth->name, what);
}

/* Valgrind's heap is at low addresses: a number in the program can look like a pointer to it. */
#define MAX_ASKED 3

static void ask_valgrind(const struct leak_truth *truth, struct leak_oracle *oracle)
{
	struct child_options program = { .argv = ARGS(victim(truth->victim), truth->name),
					 .environment = environment.base };

	for (int i = 1;; i++) {
		leak_oracle__ask(oracle, &program);
		assert_int_equal(oracle->exit_status, truth->exit_status);
		if (leak_truth__holds(truth, &oracle->counts))
			return;
		/* It is the table that is wrong. */
		if (i == MAX_ASKED)
			complain(truth, oracle, NULL, "Valgrind says otherwise");
		leak_oracle__free(oracle);
	}
}

static void test_case(void **state)
{
	const struct leak_truth *truth = *state;
	struct child_options program = { .argv = ARGS(victim(truth->victim), truth->name),
					 .environment = environment.full[0] ? environment.full :
									      NULL };
	struct leak_oracle oracle = { .log = NULL };
	struct leak_counts counts;
	struct run *run;
	const json_t *record;

	if (have_valgrind && !truth->by_chance)
		ask_valgrind(truth, &oracle);
	run = trace_leaks(&program);
	record = final_exit_record(run);
	counts = leak_counts__of(record);
	assert_nothing_lost(record);
	assert_int_equal(run->exit_status, truth->exit_status);
	assert_false(truth_value(record, "leaks.lower_bound"));
	if (truth->may_miss) {
		print_message("only compared for too much: %s\n", truth->may_miss);
		if (!leak_truth__has_no_more_lost(truth, &counts))
			complain(truth, &oracle, &counts, "the tracer calls too much lost");
	} else if (!leak_truth__holds(truth, &counts)) {
		complain(truth, &oracle, &counts, "the tracer is wrong");
	}
	if (oracle.log && !truth->may_miss && !leak_oracle__agrees(&oracle, &counts))
		complain(truth, &oracle, &counts, "the tracer and Valgrind differ");
	leak_oracle__free(&oracle);
	run__free(run);
}

static int begin(void **state)
{
	if (harness__begin(state) != 0)
		return -1;
	oracle_environment__make(&environment, scratch(""));
	have_valgrind = !getenv("EMULATED") && access("/usr/bin/valgrind", X_OK) == 0 &&
			oracle_environment__learn(&environment, NULL);
	return 0;
}

static int end(void **state)
{
	oracle_environment__free(&environment);
	return harness__end(state);
}

/* The table of the victims alone, without a tracer: `test_leak_kinds --valgrind`. */
static void test_table(void **state)
{
	const struct leak_truth *truth = *state;
	struct leak_oracle oracle;

	if (!have_valgrind)
		SKIP("there is no Valgrind here");
	if (truth->by_chance)
		SKIP("Valgrind's answer depends on chance");
	ask_valgrind(truth, &oracle);
	leak_oracle__free(&oracle);
}

int main(int argc, char **argv)
{
	bool table_alone = argc == 2 && !strcmp(argv[1], "--valgrind");
	struct CMUnitTest tests[nr_leak_truths];

	for (size_t i = 0; i < nr_leak_truths; i++)
		tests[i] = (struct CMUnitTest){ .name = leak_truths[i].name,
						.test_func = table_alone ? test_table : test_case,
						.setup_func = harness__test_begin,
						.teardown_func = harness__test_end,
						.initial_state = (void *)&leak_truths[i] };
	return cmocka_run_group_tests_name("leak_kinds", tests, begin, end);
}
