// SPDX-License-Identifier: GPL-2.0
/*
 * Leak checks of a process that runs: eight threads allocate, link, unlink and free while they are
 * stopped and read. No block that the process still uses is ever called lost, and what it loses is
 * found. LEAK_CHECKS in the environment says how many checks of the busy process there are.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"
#include "harness.h"
#include "leak_oracle.h"
#include "leak_target.h"

#define CHECK_S 60

static unsigned int nr_checks(void)
{
	const char *given = getenv("LEAK_CHECKS");

	return given ? (unsigned int)atoi(given) : scaled(100);
}

static struct child *watch(const struct leak_target *target, const char *interval,
			   const char *count)
{
	return start_tracer(ARGS("-p", pid_text(target->child), "--leak-check=full",
				 "--show-leak-kinds=all", "-T", "1000000", interval, count));
}

/*
 * Asserts that so many planted leaks from before the attach are lost, and nothing else from then. A
 * request of 500 bytes has 504.
 */
static void assert_old_lost_in(const json_t *record, long long planted)
{
	if (number(record, "leaks.allocator.unknown_lost.chunks") == 2 * planted &&
	    number(record, "leaks.allocator.unknown_lost.bytes") == (1000 + 504) * planted)
		return;
	print_json(record);
	fail_msg("chunks from before the attach: the process lost %lld", 2 * planted);
}

static void assert_nothing_was_lost(const struct run *run, unsigned int nr_wanted)
{
	unsigned int nr = count_events(run, "outstanding");
	double longest_s = 0;

	assert_int_equal(nr, nr_wanted);
	for (unsigned int i = 0; i < nr; i++) {
		const json_t *record = event_record(run, "outstanding", i);

		leak_target__assert_lost(record, 0);
		if (!is_null(record, "leaks.pause_s") && real(record, "leaks.pause_s") > longest_s)
			longest_s = real(record, "leaks.pause_s");
	}
	print_message("%u checks, the longest pause %.1f ms\n", nr, longest_s * 1000);
}

static void make_busy(struct leak_target *target)
{
	leak_target__tell(target, words("churn %u", nr_busy_threads()));
	leak_target__tell(target, "come_and_go 2");
	leak_target__tell(target, "map 1");
}

/* Asks the tracer for its n-th check, now, and waits for it. */
static void check_now(struct child *tracer, unsigned int n)
{
	kill(child__pid(tracer), SIGUSR1);
	child__wait_event(tracer, "outstanding", n, CHECK_S);
}

/* All blocks are known. */
static void test_busy_process(void **state)
{
	struct leak_target target = leak_target__start();
	struct child *tracer = watch(&target, "0.2", words("%u", nr_checks()));
	struct run *run;
	(void)state;

	make_busy(&target);
	run = child__finish(tracer, 60 + nr_checks() * 5.0);
	assert_false(run->timed_out);
	assert_int_equal(run->exit_status, 0);
	assert_nothing_was_lost(run, nr_checks());
	run__free(run);
	leak_target__assert_free(&target);
	leak_target__end(&target);
}

/* Most of what the threads hold is from before. */
static void test_late_attach_to_a_busy_process(void **state)
{
	struct leak_target target = leak_target__start();
	struct child *tracer;
	struct run *run;
	(void)state;

	make_busy(&target);
	leak_target__tell(&target, "hang 500");
	leak_target__tell(&target, "leak 5");
	tracer = watch(&target, "0.2", words("%u", nr_checks()));
	leak_target__tell(&target, "hang 500");
	run = child__finish(tracer, 60 + nr_checks() * 5.0);
	assert_int_equal(run->exit_status, 0);
	assert_nothing_was_lost(run, nr_checks());
	for (unsigned int i = 0; i < nr_checks(); i++)
		assert_old_lost_in(event_record(run, "outstanding", i), 5);
	run__free(run);
	leak_target__end(&target);
}

/* Blocks from before the attach have the only pointers to later ones: these are not lost. */
static void test_old_blocks_are_roots(void **state)
{
	struct leak_target target = leak_target__start();
	struct child *tracer = watch(&target, NULL, NULL);
	const json_t *record;
	struct run *run;
	(void)state;

	leak_target__tell(&target, "hang 3000");
	leak_target__tell(&target, "leak 4");
	check_now(tracer, 1);
	run = stop_tracer(tracer);
	record = event_record(run, "outstanding", 0);
	leak_target__assert_lost(record, 4);
	assert_int_equal(number(record, "leaks.reachable.blocks"), 3000);
	assert_true(truth_value(record, "leaks.lower_bound"));
	assert_in_range(number(record, "leaks.allocator.unknown_chunks"), 1000, 1100);
	run__free(run);
	leak_target__end(&target);
}

/*
 * The growth of all stacks of one kind. Nothing is lost but what was planted; where it came from is
 * not always whole, since the other threads map memory while stacks are walked.
 */
static long long growth_of(const json_t *record, const char *kind)
{
	long long blocks = 0;
	json_t *stack;
	size_t i;

	json_array_foreach(field(record, "stacks"), i, stack)
	{
		if (!strcmp(text(stack, "kind"), kind))
			blocks += is_null(stack, "growth") ? number(stack, "blocks") :
							     number(stack, "growth.blocks");
	}
	return blocks;
}

/* Each check finds what was lost until then, and says how much of it is new. */
static void test_planted_leaks(void **state)
{
	static const unsigned int planted[] = { 5, 0, 3, 1, 0, 7 };
	struct leak_target target = leak_target__start();
	struct child *tracer = watch(&target, NULL, NULL);
	unsigned int sum = 0, nr = sizeof(planted) / sizeof(planted[0]);
	struct run *run;
	(void)state;

	make_busy(&target);
	for (unsigned int i = 0; i < nr; i++) {
		leak_target__tell(&target, words("leak %u", planted[i]));
		check_now(tracer, i + 1);
	}
	run = stop_tracer(tracer);
	for (unsigned int i = 0; i < nr; i++) {
		const json_t *record = event_record(run, "outstanding", i);

		sum += planted[i];
		leak_target__assert_lost(record, sum);
		assert_int_equal(is_null(record, "leaks.since_s"), i == 0);
		assert_int_equal(growth_of(record, "definite"), planted[i]);
		assert_int_equal(growth_of(record, "indirect"), planted[i]);
	}
	run__free(run);
	leak_target__end(&target);
}

/* The same at an interval: no check has less than the one before, and the last has all. */
static void test_leaks_at_an_interval(void **state)
{
	struct leak_target target = leak_target__start();
	struct child *tracer = watch(&target, "0.3", "12");
	long long before = 0;
	struct run *run;
	(void)state;

	for (int i = 0; i < 6; i++) {
		leak_target__tell(&target, "leak 2");
		pause_ms(300);
	}
	run = child__finish(tracer, RUN_TIMEOUT_S);
	assert_int_equal(run->exit_status, 0);
	assert_int_equal(count_events(run, "outstanding"), 12);
	for (unsigned int i = 0; i < 12; i++) {
		const json_t *record = event_record(run, "outstanding", i);
		long long lost = number(record, "leaks.definite.blocks");

		assert_true(lost >= before);
		before = lost;
	}
	leak_target__assert_lost(event_record(run, "outstanding", 11), 12);
	run__free(run);
	leak_target__end(&target);
}

/*
 * It allocates nothing from the attach on, so that nothing can be lost. What its allocator holds is
 * told all the same.
 */
static void test_idle_process(void **state)
{
	struct leak_target target = leak_target__start();
	struct run *run = child__finish(watch(&target, "0", "1"), RUN_TIMEOUT_S);
	const json_t *record = event_record(run, "outstanding", 0);
	(void)state;

	assert_int_equal(run->exit_status, 0);
	assert_nothing_was_lost(run, 1);
	assert_true(is_null(record, "leaks_why"));
	assert_true(number(record, "leaks.allocator.unknown_bytes") > 0);
	assert_old_lost_in(record, 0);
	assert_true(number(record, "leaks.allocator.free_bytes") > 0);
	run__free(run);
	leak_target__end(&target);
}

/* "0 1": one check, at once. */
static void test_one_check(void **state)
{
	struct leak_target target = leak_target__start();
	struct run *run;
	(void)state;

	make_busy(&target);
	run = child__finish(watch(&target, "0", "1"), RUN_TIMEOUT_S);
	assert_int_equal(run->exit_status, 0);
	assert_nothing_was_lost(run, 1);
	assert_true(is_null(event_record(run, "outstanding", 0), "leaks.since_s"));
	run__free(run);
	leak_target__end(&target);
}

/* Each of a thousand threads has the only pointer to a block on its stack. */
static void test_many_threads(void **state)
{
	unsigned int nr_threads = scaled(1000);
	struct leak_target target = leak_target__start();
	struct child *tracer = watch(&target, NULL, NULL);
	struct run *run;
	(void)state;

	leak_target__tell(&target, words("wait %u", nr_threads));
	while (leak_target__work(&target) < nr_threads)
		pause_ms(20);
	leak_target__tell(&target, "leak 3");
	for (unsigned int i = 1; i <= 5; i++)
		check_now(tracer, i);
	run = stop_tracer(tracer);
	for (unsigned int i = 0; i < 5; i++) {
		const json_t *record = event_record(run, "outstanding", i);

		leak_target__assert_lost(record, 3);
		assert_true(number(record, "leaks.reachable.blocks") >= nr_threads);
		print_message("%u threads stood still for %.1f ms\n", nr_threads,
			      real(record, "leaks.pause_s") * 1000);
		assert_true(getenv("EMULATED") || real(record, "leaks.pause_s") < 2);
	}
	run__free(run);
	/* The waiting threads do nothing that could be counted. */
	leak_target__tell(&target, "churn 1");
	leak_target__assert_free(&target);
	leak_target__end(&target);
}

/* Threads begin and end while the others are being stopped. */
static void test_threads_come_and_go(void **state)
{
	struct leak_target target = leak_target__start();
	struct child *tracer = watch(&target, "0.1", "30");
	struct run *run;
	(void)state;

	leak_target__tell(&target, "come_and_go 12");
	run = child__finish(tracer, RUN_TIMEOUT_S);
	assert_int_equal(run->exit_status, 0);
	assert_nothing_was_lost(run, 30);
	run__free(run);
	leak_target__assert_free(&target);
	leak_target__end(&target);
}

/* The mappings that have the only pointers are gone soon after the tracer has read of them. */
static void test_mappings_vanish(void **state)
{
	struct leak_target target = leak_target__start();
	struct child *tracer = watch(&target, "0.1", "30");
	struct run *run;
	(void)state;

	leak_target__tell(&target, "map 6");
	run = child__finish(tracer, RUN_TIMEOUT_S);
	assert_int_equal(run->exit_status, 0);
	assert_nothing_was_lost(run, 30);
	run__free(run);
	leak_target__end(&target);
}

/* Pointers are in vector registers alone for a few instructions. */
static void test_pointers_are_moved(void **state)
{
	struct leak_target target = leak_target__start();
	struct child *tracer = watch(&target, "0.1", words("%u", nr_checks()));
	struct run *run;
	(void)state;

	leak_target__tell(&target, "shift 6");
	run = child__finish(tracer, RUN_TIMEOUT_S + nr_checks());
	assert_int_equal(run->exit_status, 0);
	assert_nothing_was_lost(run, nr_checks());
	run__free(run);
	leak_target__end(&target);
}

/* A block has grown since it was read, and its new part has the only pointer to another. */
static void test_blocks_grow(void **state)
{
	struct leak_target target = leak_target__start();
	struct child *tracer = watch(&target, "0.1", "30");
	struct run *run;
	(void)state;

	leak_target__tell(&target, "resize 4");
	run = child__finish(tracer, RUN_TIMEOUT_S);
	assert_int_equal(run->exit_status, 0);
	assert_nothing_was_lost(run, 30);
	run__free(run);
	leak_target__end(&target);
}

/* A process that is watched is also checked when it ends, whatever ends it. */
static void test_end_of_a_busy_process(void **state)
{
	static const int signals[] = { 0, SIGTERM, SIGKILL };
	(void)state;

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		struct leak_target target = leak_target__start();
		struct child *tracer = watch(&target, NULL, NULL);
		struct run *run;

		make_busy(&target);
		leak_target__tell(&target, "leak 6");
		if (signals[i]) {
			kill(child__pid(target.child), signals[i]);
			run__free(child__finish(target.child, CHECK_S));
		} else {
			leak_target__end(&target);
		}
		run = child__finish(tracer, RUN_TIMEOUT_S);
		assert_int_equal(run->exit_status, 0);
		leak_target__assert_lost(final_exit_record(run), 6);
		run__free(run);
	}
}

static void test_two_processes(void **state)
{
	struct leak_target one = leak_target__start(), two = leak_target__start();
	const char *pids = words("%d,%d", (int)child__pid(one.child), (int)child__pid(two.child));
	struct child *tracer =
		start_tracer(ARGS("-p", pids, "--leak-check=full", "--show-leak-kinds=all"));
	struct run *run;
	(void)state;

	make_busy(&one);
	leak_target__tell(&two, "leak 2");
	check_now(tracer, 2);
	run = stop_tracer(tracer);
	for (unsigned int i = 0; i < 2; i++) {
		const json_t *record = event_record(run, "outstanding", i);

		leak_target__assert_lost(record,
					 number(record, "pid") == child__pid(two.child) ? 2 : 0);
	}
	run__free(run);
	leak_target__end(&one);
	leak_target__end(&two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_busy_process),
		SYSTEM_TEST(test_late_attach_to_a_busy_process),
		SYSTEM_TEST(test_old_blocks_are_roots),
		SYSTEM_TEST(test_planted_leaks),
		SYSTEM_TEST(test_leaks_at_an_interval),
		SYSTEM_TEST(test_idle_process),
		SYSTEM_TEST(test_one_check),
		SYSTEM_TEST(test_many_threads),
		SYSTEM_TEST(test_threads_come_and_go),
		SYSTEM_TEST(test_mappings_vanish),
		SYSTEM_TEST(test_pointers_are_moved),
		SYSTEM_TEST(test_blocks_grow),
		SYSTEM_TEST(test_end_of_a_busy_process),
		SYSTEM_TEST(test_two_processes),
	};

	return cmocka_run_group_tests_name("leak_live", tests, harness__begin, harness__end);
}
