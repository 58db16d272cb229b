// SPDX-License-Identifier: GPL-2.0
/* The whole system: its programs end and say the same, traced or not. */
#include <stdio.h>
#include <unistd.h>

#include "exits_by_name.h"

static void test_nobody_is_disturbed(void **state)
{
	static const struct {
		const char *name, *argument;
	} victims[] = {
		{ "bad_alloc", NULL },	{ "seccomp", NULL },	    { "jump", NULL },
		{ "in_handler", NULL }, { "cross_free", NULL },	    { "family", NULL },
		{ "die", "segv" },	{ "die", "abort" },	    { "realloc_forms", NULL },
		{ "failed", NULL },	{ "relatives", "outlive" }, { "hammer", NULL },
	};
	size_t nr = sizeof(victims) / sizeof(victims[0]);
	struct run *plain[sizeof(victims) / sizeof(victims[0])];
	struct child *tracer;
	struct run *run;

	(void)state;
	for (size_t i = 0; i < nr; i++)
		plain[i] = run_plain(ARGS(victim(victims[i].name), victims[i].argument));
	tracer = start_tracer(NO_ARGS);
	for (size_t i = 0; i < nr; i++) {
		run = run_plain(ARGS(victim(victims[i].name), victims[i].argument));
		if (run->wait_status != plain[i]->wait_status ||
		    run->out_size != plain[i]->out_size)
			fail_msg("%s %s: ended with 0x%x traced and 0x%x untraced", victims[i].name,
				 victims[i].argument ? victims[i].argument : "", run->wait_status,
				 plain[i]->wait_status);
		run__free(run);
		run__free(plain[i]);
	}
	run__free(stop_tracer(tracer));
}

static void test_make_of_a_source_tree(void **state)
{
	const char *build = scratch("tree");
	struct child *tracer;
	struct run *plain, *traced, *run;
	char argument[4200];

	(void)state;
	if (!have_program("make") || !have_program("gcc"))
		SKIP("there is no make or no gcc here");
	if (access("tests/system/tree.mk", R_OK) != 0)
		SKIP("the sources are not here");
	snprintf(argument, sizeof(argument), "OUT=%s", build);
	plain = run_plain(ARGS("make", "-s", "-j2", "-f", "tests/system/tree.mk", argument));
	assert_int_equal(plain->exit_status, 0);
	/* One stack a report: whatever else the machine builds meanwhile is reported too. */
	tracer = start_tracer(ARGS("-T", "1"));
	traced = run_plain(ARGS("make", "-s", "-j2", "-f", "tests/system/tree.mk", argument));
	run = stop_tracer(tracer);
	assert_int_equal(traced->exit_status, 0);
	assert_string_equal(traced->out, plain->out);
	assert_string_equal(traced->err, plain->err);
	assert_true(count_exits(run, "cc1", NULL) >= 5);
	assert_int_equal(number(event_record(run, "total", 0), "lost.events"), 0);
	run__free(plain);
	run__free(traced);
	run__free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_nobody_is_disturbed),
		SYSTEM_TEST(test_make_of_a_source_tree),
	};

	return cmocka_run_group_tests_name("undisturbed", tests, harness__begin, harness__end);
}
