// SPDX-License-Identifier: GPL-2.0
/* The words for each reason of a verdict, with one and with many. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "output/verdict_words.h"

static void test_words(void **state)
{
	static const struct {
		struct report_why why;
		const char *words;
	} cases[] = {
		{ { .reason = REASON_NONE }, "" },
		{ { .reason = REASON_BEFORE_UNREAD },
		  "the memory was not read before its teardown" },
		{ { .reason = REASON_AFTER_UNREAD }, "the teardown's end was not seen" },
		{ { .reason = REASON_STILL_IN_USE }, "something else still uses the memory" },
		{ { .reason = REASON_COUNTERS_ALONE },
		  "the counters are zero; page frames were not measured" },
		{ { .reason = REASON_FRAMES_MISSING, .number = 65 },
		  "the counters are zero, but 65 pages were not seen returning to the allocator" },
		{ { .reason = REASON_FRAMES_MISSING, .number = 1 },
		  "the counters are zero, but 1 page was not seen returning to the allocator" },
		{ { .reason = REASON_FRAMES_FREED, .number = 1234 },
		  "1,234 page frames went back to the allocator; the address space's counters are"
		  " zero" },
		{ { .reason = REASON_SHARED, .number = 90, .relative = 4711 },
		  "the counters are zero; 90 pages are shared with PID 4711" },
		{ { .reason = REASON_SHARED, .number = 1 },
		  "the counters are zero; 1 page is shared with a relative, or merged" },
		{ { .reason = REASON_REAPED, .number = 5000 },
		  "the counters are zero; 5,000 pages were taken before the teardown by the OOM"
		  " reaper or process_mrelease" },
		{ { .reason = REASON_REAPED, .number = 1 },
		  "the counters are zero; 1 page was taken before the teardown by the OOM reaper or"
		  " process_mrelease" },
		{ { .reason = REASON_LEFT_OVER, .number = 1, .left_over = COUNTER_ANON },
		  "left after the teardown: 1 anonymous page" },
		{ { .reason = REASON_LEFT_OVER, .number = 2, .left_over = COUNTER_FILE },
		  "left after the teardown: 2 file pages" },
		{ { .reason = REASON_LEFT_OVER, .number = 3, .left_over = COUNTER_SHMEM },
		  "left after the teardown: 3 shared memory pages" },
		{ { .reason = REASON_LEFT_OVER, .number = 4, .left_over = COUNTER_SWAP },
		  "left after the teardown: 4 swap entries" },
		{ { .reason = REASON_LEFT_OVER, .number = 5, .left_over = COUNTER_HUGETLB },
		  "left after the teardown: 5 huge pages" },
		{ { .reason = REASON_LEFT_OVER,
		    .number = 4096,
		    .left_over = COUNTER_PAGE_TABLE_BYTES },
		  "left after the teardown: 4,096 bytes of page tables" },
		{ { .reason = REASON_LEFT_OVER, .number = -7, .left_over = COUNTER_ANON },
		  "left after the teardown: -7 anonymous pages" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(verdict_words__why(&cases[i].why).text, cases[i].words);
}

/* The longest possible sentence is whole. */
static void test_nothing_is_cut(void **state)
{
	struct report_why why = { .relative = INT32_MIN, .number = INT64_MIN };

	(void)state;
	for (why.reason = REASON_NONE; why.reason <= REASON_REAPED; why.reason++)
		for (why.left_over = COUNTER_ANON; why.left_over <= COUNTER_PAGE_TABLE_BYTES;
		     why.left_over++) {
			struct verdict_text words = verdict_words__why(&why);

			assert_in_range(strlen(words.text), why.reason ? 1 : 0,
					sizeof(words.text) - 2);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_nothing_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
