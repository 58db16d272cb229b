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

static void assert_verdict(const struct reclaim_input *input, enum verdict verdict,
			   enum verdict_reason reason, int64_t number)
{
	struct process_report report;

	judge(input, &report);
	assert_int_equal(report.verified, verdict);
	assert_int_equal(report.why.reason, reason);
	assert_int_equal(report.why.number, number);
}

static void test_counters_and_frames_agree(void **state)
{
	struct reclaim_input input = clean();

	(void)state;
	assert_verdict(&input, VERDICT_TRUE, REASON_FRAMES_FREED, 103);
}

static void test_batches_of_other_cpus_are_tolerated(void **state)
{
	struct reclaim_input input = clean();

	(void)state;
	input.freed_anon_pages = 36; /* 64 short */
	input.nr_cpus = 2;
	assert_verdict(&input, VERDICT_TRUE, REASON_FRAMES_FREED, 39);
	input.freed_anon_pages = 35;
	assert_verdict(&input, VERDICT_UNKNOWN, REASON_FRAMES_MISSING, 65);
}

static void test_one_cpu_tolerates_nothing(void **state)
{
	struct reclaim_input input = clean();

	(void)state;
	input.freed_anon_pages = 99;
	assert_verdict(&input, VERDICT_UNKNOWN, REASON_FRAMES_MISSING, 1);
}

static void test_shared_with_a_relative(void **state)
{
	struct reclaim_input input = clean();
	struct process_report report;

	(void)state;
	input.freed_anon_pages = 10;
	input.has_relatives = true;
	input.relative = 4711;
	assert_verdict(&input, VERDICT_TRUE, REASON_SHARED, 90);
	judge(&input, &report);
	assert_int_equal(report.why.relative, 4711);
	assert_int_equal(report.stays.shared_bytes, 90 * PAGE);
	input.relative = 0;
	assert_verdict(&input, VERDICT_TRUE, REASON_SHARED, 90);
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
	assert_int_equal(report.why.reason, REASON_FRAMES_FREED);
	assert_int_equal(report.stays.shared_bytes, 0);
}

static void test_reaped_before(void **state)
{
	struct reclaim_input input = clean();

	(void)state;
	input.reaped = true;
	input.early.anon = 5100;
	input.freed_anon_pages = 10;
	assert_verdict(&input, VERDICT_TRUE, REASON_REAPED, 5000);
	input.early.anon = 0; /* no earlier look */
	assert_verdict(&input, VERDICT_TRUE, REASON_REAPED, 90);
}

static void test_figures_are_those_before_the_reaper(void **state)
{
	struct reclaim_input input = clean();
	struct process_report report;

	(void)state;
	input.early = (struct memory_counters){ .anon = 5100, .file = 30, .shmem = 4, .swap = 7 };
	judge(&input, &report);
	/*
	 * No one took anything: the pages that the process itself gave back meanwhile were not held
	 * at its end.
	 */
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
	assert_verdict(&input, VERDICT_TRUE, REASON_COUNTERS_ALONE, 0);
	judge(&input, &report);
	assert_true(report.reclaimed.freed_page_bytes == FIGURE_UNKNOWN);
	assert_true(report.freed_frames == FIGURE_UNKNOWN);
	assert_true(report.stays.shared_bytes == FIGURE_UNKNOWN);
}

static void test_each_counter_that_is_left(void **state)
{
	const struct {
		struct memory_counters after;
		enum memory_counter left_over;
		int64_t number;
	} cases[] = {
		{ { .anon = 1 }, COUNTER_ANON, 1 },
		{ { .file = 2 }, COUNTER_FILE, 2 },
		{ { .shmem = 3 }, COUNTER_SHMEM, 3 },
		{ { .swap = 4 }, COUNTER_SWAP, 4 },
		{ { .hugetlb = 5 }, COUNTER_HUGETLB, 5 },
		{ { .page_table_bytes = 4096 }, COUNTER_PAGE_TABLE_BYTES, 4096 },
		{ { .anon = -7 }, COUNTER_ANON, -7 },
		{ { .swap = 4, .hugetlb = 5 }, COUNTER_SWAP, 4 },
	};
	struct reclaim_input input = clean();
	struct process_report report;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		input.after = cases[i].after;
		assert_verdict(&input, VERDICT_FALSE, REASON_LEFT_OVER, cases[i].number);
		judge(&input, &report);
		assert_int_equal(report.why.left_over, cases[i].left_over);
	}
	/* Nothing excuses a counter: not a relative, not the reaper. */
	input.after = (struct memory_counters){ .anon = 1 };
	input.has_relatives = input.reaped = true;
	assert_verdict(&input, VERDICT_FALSE, REASON_LEFT_OVER, 1);
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
	assert_verdict(&input, VERDICT_UNKNOWN, REASON_BEFORE_UNREAD, 0);
	judge(&input, &report);
	assert_true(report.reclaimed.rss_anon_bytes == FIGURE_UNKNOWN);
	assert_true(report.reclaimed.page_table_bytes == FIGURE_UNKNOWN);
	assert_true(report.stays.page_cache_bytes == FIGURE_UNKNOWN);
	assert_int_equal(report.reclaimed.freed_page_bytes, 103 * PAGE);

	input = clean();
	input.after_read = false;
	assert_verdict(&input, VERDICT_UNKNOWN, REASON_AFTER_UNREAD, 0);
	input.still_in_use = true;
	assert_verdict(&input, VERDICT_UNKNOWN, REASON_STILL_IN_USE, 0);
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
