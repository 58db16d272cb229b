// SPDX-License-Identifier: GPL-2.0
/*
 * Leak checks of the whole system: of the running processes that hold the most, at each report, and
 * of these again at their ends. Other tests see to what one check finds.
 */
#include <signal.h>
#include <string.h>

#include "daemon.h"
#include "harness.h"
#include "leak_oracle.h"
#include "leak_target.h"

#define CHECK_S 60
#define FULL "--leak-check=full", "--show-leak-kinds=all"
#define FOUND_STATUS 55
/* 60 MB: more than others get from malloc while this runs. */
#define NR_LARGEST 40000
#define LARGEST "leak 40000"

/* What the n-th ranking, counted from 0, is followed by of that process; NULL: nothing. */
static const json_t *find_outstanding(const struct run *run, const struct leak_target *target,
				      unsigned int n)
{
	unsigned int nr_rankings = 0;
	json_t *record;
	size_t i;

	json_array_foreach(run->events, i, record)
	{
		const char *event = text(record, "event");

		nr_rankings += !strcmp(event, "ranking");
		if (nr_rankings == n + 1 && !strcmp(event, "outstanding") &&
		    number(record, "pid") == child__pid(target->child))
			return record;
	}
	return NULL;
}

static void assert_lost_after(const struct run *run, const struct leak_target *target,
			      unsigned int n, long long planted)
{
	const json_t *record = find_outstanding(run, target, n);

	assert_non_null(record);
	leak_target__assert_lost(record, planted);
}

/* Asks for the first check, and waits until so many processes have their reports. */
static void check_first(struct child *tracer, unsigned int nr_processes)
{
	kill(child__pid(tracer), SIGUSR1);
	child__wait_event(tracer, "ranking", 1, CHECK_S);
	child__wait_event(tracer, "outstanding", nr_processes, CHECK_S);
}

/* What runs on this machine is checked, this program too, and goes on. */
static void test_all_that_run(void **state)
{
	struct child *tracer = start_tracer(ARGS(FULL, "-T", "20"));
	struct leak_target busy = leak_target__start(), leaky = leak_target__start();
	struct run *run;
	(void)state;

	leak_target__tell(&busy, words("churn %u", nr_busy_threads()));
	leak_target__tell(&busy, "come_and_go 2");
	leak_target__tell(&leaky, "churn 1");
	leak_target__tell(&leaky, "leak 3");
	check_first(tracer, 2);
	leak_target__tell(&leaky, "leak 2");
	run = stop_tracer(tracer);
	assert_lost_after(run, &busy, 0, 0);
	assert_lost_after(run, &leaky, 0, 3);
	/* Ctrl-C brings the last check. */
	assert_lost_after(run, &busy, 1, 0);
	assert_lost_after(run, &leaky, 1, 5);
	run__free(run);
	leak_target__assert_free(&busy);
	leak_target__assert_free(&leaky);
	leak_target__end(&busy);
	leak_target__end(&leaky);
}

static void test_the_largest_alone(void **state)
{
	struct child *tracer = start_tracer(ARGS(FULL, "-T", "1"));
	struct leak_target small = leak_target__start(), large = leak_target__start();
	struct run *run;
	(void)state;

	leak_target__tell(&small, "leak 1");
	leak_target__tell(&large, LARGEST);
	check_first(tracer, 1);
	assert_string_equal(process_status(child__pid(small.child), "TracerPid"), "0");
	run = stop_tracer(tracer);
	assert_lost_after(run, &large, 0, NR_LARGEST);
	assert_lost_after(run, &large, 1, NR_LARGEST);
	assert_int_equal(count_events(run, "outstanding"), 2);
	run__free(run);
	leak_target__end(&small);
	leak_target__end(&large);
}

/* A process that was checked is checked again at its end. The end of another says nothing of it. */
static void test_ends(void **state)
{
	struct child *tracer = start_tracer(ARGS(FULL, "-T", "1"));
	struct leak_target small = leak_target__start(), large = leak_target__start();
	pid_t small_pid = child__pid(small.child), large_pid = child__pid(large.child);
	const json_t *record;
	struct run *run;
	(void)state;

	leak_target__tell(&small, "leak 1");
	leak_target__tell(&large, LARGEST);
	check_first(tracer, 1);
	leak_target__tell(&large, "leak 1");
	leak_target__end(&large);
	leak_target__end(&small);
	run = stop_tracer(tracer);
	leak_target__assert_lost(last_exit_record_of(run, large_pid), NR_LARGEST + 1);
	record = last_exit_record_of(run, small_pid);
	assert_true(is_null(record, "leaks"));
	assert_true(is_null(record, "leaks_why"));
	run__free(run);
}

/* Leaks that the last check finds, too, make the status. */
static void test_exit_status(void **state)
{
	struct child *tracer = start_tracer(ARGS(FULL, words("--error-exitcode=%d", FOUND_STATUS),
						 "--errors-for-leak-kinds", "definite", "-T", "1"));
	struct leak_target leaky = leak_target__start();
	struct run *run;
	(void)state;

	leak_target__tell(&leaky, LARGEST);
	kill(child__pid(tracer), SIGINT);
	run = child__finish(tracer, CHECK_S);
	assert_int_equal(run->exit_status, FOUND_STATUS);
	assert_lost_after(run, &leaky, 0, NR_LARGEST);
	run__free(run);
	leak_target__end(&leaky);
}

/* In text, the end of a process that was not checked is a row alone: -T asks for lost blocks. */
static void test_rows_of_others(void **state)
{
	const char *argv[] = { tracer_path(), "--leak-check=full", "-T", "1", NULL };
	struct child *tracer = child__start(&(struct child_options){ .argv = argv });
	struct run *run;
	(void)state;

	child__wait_output(tracer, "VERIFIED\n", 1, CHECK_S);
	run__free(run_plain(ARGS(victim("leak64"))));
	kill(child__pid(tracer), SIGINT);
	run = child__finish(tracer, CHECK_S);
	assert_int_equal(run->exit_status, 0);
	assert_contains(run->out, " leak64 ");
	assert_lacks(run->out, "leak64.c");
	run__free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_all_that_run),	  SYSTEM_TEST(test_the_largest_alone),
		SYSTEM_TEST(test_ends),		  SYSTEM_TEST(test_exit_status),
		SYSTEM_TEST(test_rows_of_others),
	};

	return cmocka_run_group_tests_name("leak_system", tests, harness__begin, harness__end);
}
