// SPDX-License-Identifier: GPL-2.0
/* The verdict over its whole table, and the figures that go with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "report/reclaim.h"

#define PAGE 4096

/* A process that held 100 anonymous and 20 file pages, torn down cleanly on a machine of one CPU. */
static struct reclaim_input clean(void)
{
	return (struct reclaim_input){
		.before_read = true,
		.after_read = true,
		.before = { .anon = 100,
			    .file = 20,
			    .page_table_bytes = 8192,
			    .virtual_pages = 500 },
		.frames_measured = true,
		.freed_anon_pages = 100,
		.freed_other_pages = 3,
		.nr_cpus = 1,
		.page_bytes = PAGE,
	};
}

static void judge(const struct reclaim_input *input, struct process_report *report)
{
	memset(report, 0xa5, sizeof(*report));
	reclaim__judge(input, report);
}

static void assert_verdict(const struct reclaim_input *input, enum verdict verdict, const char *why)
{
	struct process_report report;

	judge(input, &report);
	assert_int_equal(report.verified, verdict);
	assert_string_equal(report.verified_why, why);
}

static void test_counters_and_frames_agree(void **state)
{
	struct reclaim_input input = clean();

	(void)state;
	assert_verdict(
		&input, VERDICT_TRUE,
		"103 page frames went back to the allocator; the address space's counters are zero");
}

static void test_batches_of_other_cpus_are_tolerated(void **state)
{
	struct reclaim_input input = clean();

	(void)state;
	input.freed_anon_pages = 36; /* 64 short */
	input.nr_cpus = 2;
	assert_verdict(
		&input, VERDICT_TRUE,
		"39 page frames went back to the allocator; the address space's counters are zero");
	input.freed_anon_pages = 35;
	assert_verdict(&input, VERDICT_UNKNOWN,
		       "the counters are zero, but 65 pages not seen to come back");
}

static void test_one_cpu_tolerates_nothing(void **state)
{
	struct reclaim_input input = clean();

	(void)state;
	input.freed_anon_pages = 99;
	assert_verdict(&input, VERDICT_UNKNOWN,
		       "the counters are zero, but 1 page not seen to come back");
}

static void test_shared_with_a_relative(void **state)
{
	struct reclaim_input input = clean();
	struct process_report report;

	(void)state;
	input.freed_anon_pages = 10;
	input.has_relatives = true;
	input.relative = 4711;
	assert_verdict(&input, VERDICT_TRUE,
		       "the counters are zero; 90 pages shared with PID 4711");
	judge(&input, &report);
	assert_int_equal(report.stays.shared_bytes, 90 * PAGE);
	input.relative = 0;
	assert_verdict(&input, VERDICT_TRUE,
		       "the counters are zero; 90 pages shared with a relative or merged");
}

static void test_relatives_that_share_nothing_explain_nothing(void **state)
{
	struct reclaim_input input = clean();
	struct process_report report;

	(void)state;
	input.has_relatives = true;
	input.relative = 4711;
	judge(&input, &report);
	assert_int_equal(report.verified, VERDICT_TRUE);
	assert_non_null(strstr(report.verified_why, "went back"));
	assert_int_equal(report.stays.shared_bytes, 0);
}

static void test_reaped_before(void **state)
{
	struct reclaim_input input = clean();

	(void)state;
	input.reaped = true;
	input.early.anon = 5100;
	input.freed_anon_pages = 10;
	assert_verdict(
		&input, VERDICT_TRUE,
		"the counters are zero; 5,000 pages taken before the teardown by the OOM reaper or process_mrelease");
	input.early.anon = 0; /* no earlier look */
	assert_verdict(
		&input, VERDICT_TRUE,
		"the counters are zero; 90 pages taken before the teardown by the OOM reaper or process_mrelease");
}

static void test_figures_are_those_before_the_reaper(void **state)
{
	struct reclaim_input input = clean();
	struct process_report report;

	(void)state;
	input.early = (struct memory_counters){ .anon = 5100, .file = 30, .shmem = 4, .swap = 7 };
	judge(&input, &report);
	/* Nobody took anything: what the process itself gave back since was not held at its end. */
	assert_int_equal(report.reclaimed.rss_anon_bytes, 100 * PAGE);
	assert_int_equal(report.stays.page_cache_bytes, 20 * PAGE);
	input.reaped = true;
	judge(&input, &report);
	assert_int_equal(report.reclaimed.rss_anon_bytes, 5100 * PAGE);
	assert_int_equal(report.reclaimed.rss_file_bytes, 30 * PAGE);
	assert_int_equal(report.reclaimed.rss_shmem_bytes, 4 * PAGE);
	assert_int_equal(report.reclaimed.swap_bytes, 7 * PAGE);
	assert_int_equal(report.reclaimed.page_table_bytes, 8192);
	assert_int_equal(report.stays.page_cache_bytes, 30 * PAGE);
	input.early.anon = 99; /* a look that came too late is worth nothing */
	judge(&input, &report);
	assert_int_equal(report.reclaimed.rss_anon_bytes, 100 * PAGE);
}

static void test_frames_not_measured(void **state)
{
	struct reclaim_input input = clean();
	struct process_report report;

	(void)state;
	input.frames_measured = false;
	input.freed_anon_pages = input.freed_other_pages = 0;
	assert_verdict(&input, VERDICT_TRUE,
		       "by the counters, which are zero; page frames were not measured");
	judge(&input, &report);
	assert_true(report.reclaimed.freed_page_bytes == FIGURE_UNKNOWN);
	assert_true(report.freed_frames == FIGURE_UNKNOWN);
	assert_true(report.stays.shared_bytes == FIGURE_UNKNOWN);
}

static void test_each_counter_that_is_left(void **state)
{
	const struct {
		struct memory_counters after;
		const char *why;
	} cases[] = {
		{ { .anon = 1 }, "left after the teardown: 1 anonymous pages" },
		{ { .file = 2 }, "left after the teardown: 2 file pages" },
		{ { .shmem = 3 }, "left after the teardown: 3 shared memory pages" },
		{ { .swap = 4 }, "left after the teardown: 4 swap entries" },
		{ { .hugetlb = 5 }, "left after the teardown: 5 huge pages" },
		{ { .page_table_bytes = 4096 },
		  "left after the teardown: 4096 bytes of page tables" },
		{ { .anon = -7 }, "left after the teardown: -7 anonymous pages" },
	};
	struct reclaim_input input = clean();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		input.after = cases[i].after;
		assert_verdict(&input, VERDICT_FALSE, cases[i].why);
	}
	/* Nothing excuses a counter: not a relative, not the reaper. */
	input.after = (struct memory_counters){ .anon = 1 };
	input.has_relatives = input.reaped = true;
	assert_verdict(&input, VERDICT_FALSE, "left after the teardown: 1 anonymous pages");
}

static void test_virtual_size_is_no_leftover(void **state)
{
	struct reclaim_input input = clean();
	struct process_report report;

	(void)state;
	input.after.virtual_pages = 500; /* exit_mmap does not count it down */
	judge(&input, &report);
	assert_int_equal(report.verified, VERDICT_TRUE);
}

static void test_what_was_not_read_is_unknown(void **state)
{
	struct reclaim_input input = clean();
	struct process_report report;

	(void)state;
	input.before_read = false;
	assert_verdict(&input, VERDICT_UNKNOWN, "the memory was not looked at before its teardown");
	judge(&input, &report);
	assert_true(report.reclaimed.rss_anon_bytes == FIGURE_UNKNOWN);
	assert_true(report.reclaimed.page_table_bytes == FIGURE_UNKNOWN);
	assert_true(report.stays.page_cache_bytes == FIGURE_UNKNOWN);
	assert_int_equal(report.reclaimed.freed_page_bytes, 103 * PAGE);

	input = clean();
	input.after_read = false;
	assert_verdict(&input, VERDICT_UNKNOWN, "the teardown's end was not seen");
	input.missed = "something else still uses the memory";
	assert_verdict(&input, VERDICT_UNKNOWN, "something else still uses the memory");
}

static void test_figures(void **state)
{
	struct reclaim_input input = clean();
	struct process_report report;

	(void)state;
	input.before.swap = 7;
	input.before.hugetlb = 512;
	judge(&input, &report);
	assert_int_equal(report.reclaimed.rss_anon_bytes, 100 * PAGE);
	assert_int_equal(report.reclaimed.rss_file_bytes, 20 * PAGE);
	assert_int_equal(report.reclaimed.rss_shmem_bytes, 0);
	assert_int_equal(report.reclaimed.swap_bytes, 7 * PAGE);
	assert_int_equal(report.reclaimed.hugetlb_bytes, 512 * PAGE);
	assert_int_equal(report.reclaimed.page_table_bytes, 8192);
	assert_int_equal(report.reclaimed.virtual_bytes, 500 * PAGE);
	assert_int_equal(report.reclaimed.freed_page_bytes, 103 * PAGE);
	assert_int_equal(report.freed_frames, 103);
	assert_int_equal(report.stays.page_cache_bytes, 20 * PAGE);
	assert_int_equal(report.stays.shared_bytes, 0);
}

/* A segment may stay of which nothing was mapped any more. */
static void test_what_stays_of_shared_memory_is_unknown(void **state)
{
	struct reclaim_input input = clean();
	struct process_report report;

	(void)state;
	for (input.before.shmem = 0; input.before.shmem <= 9; input.before.shmem += 9) {
		judge(&input, &report);
		assert_int_equal(report.reclaimed.rss_shmem_bytes, input.before.shmem * PAGE);
		assert_true(report.stays.shmem_bytes == FIGURE_UNKNOWN);
		assert_int_equal(report.stays.nr_kept, 0);
	}
}

static void test_a_raced_sum_below_zero_shows_as_zero(void **state)
{
	struct reclaim_input input = clean();
	struct process_report report;

	(void)state;
	input.before.file = -2;
	judge(&input, &report);
	assert_int_equal(report.reclaimed.rss_file_bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counters_and_frames_agree),
		cmocka_unit_test(test_batches_of_other_cpus_are_tolerated),
		cmocka_unit_test(test_one_cpu_tolerates_nothing),
		cmocka_unit_test(test_shared_with_a_relative),
		cmocka_unit_test(test_relatives_that_share_nothing_explain_nothing),
		cmocka_unit_test(test_reaped_before),
		cmocka_unit_test(test_figures_are_those_before_the_reaper),
		cmocka_unit_test(test_frames_not_measured),
		cmocka_unit_test(test_each_counter_that_is_left),
		cmocka_unit_test(test_virtual_size_is_no_leftover),
		cmocka_unit_test(test_what_was_not_read_is_unknown),
		cmocka_unit_test(test_figures),
		cmocka_unit_test(test_what_stays_of_shared_memory_is_unknown),
		cmocka_unit_test(test_a_raced_sum_below_zero_shows_as_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
