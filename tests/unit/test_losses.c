// SPDX-License-Identifier: GPL-2.0
/* Losses by cause: each has words of its own, and the sums are those of their kinds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "report/losses.h"

static void test_each_cause_has_words(void **state)
{
	(void)state;
	for (int i = 0; i < NR_LOSSES; i++) {
		assert_non_null(loss_causes[i].name);
		assert_non_null(loss_causes[i].noun);
		assert_non_null(loss_causes[i].why);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(loss_causes[i].name, loss_causes[j].name);
	}
}

static void test_sums(void **state)
{
	struct report_lost lost = { { [LOSS_RETURN] = 1,
				      [LOSS_ENDED_MAP_FULL] = 20,
				      [LOSS_BLOCK_MAP_FULL] = 300,
				      [LOSS_SITE_MAP_FULL] = 4000,
				      [LOSS_MAPPING_RECORD] = 50000 } };
	(void)state;

	assert_int_equal(losses__sum(&lost, LOSS_OF_EVENTS), 21);
	assert_int_equal(losses__sum(&lost, LOSS_OF_BLOCKS), 300);
	assert_int_equal(losses__sum(&lost, LOSS_OF_STACKS), 4000);
	assert_int_equal(losses__sum(&lost, LOSS_OF_RECORDS), 50000);
	lost.by_cause[LOSS_FREE] = UINT64_MAX;
	assert_true(losses__sum(&lost, LOSS_OF_EVENTS) == UINT64_MAX);
}

/* The origin of a block, or a line of -t, is no part of the held memory. */
static void test_what_lessens_sums(void **state)
{
	struct report_lost harmless = {
		{ [LOSS_STACK] = 1, [LOSS_SITE_MAP_FULL] = 1, [LOSS_TRACE_EVENT] = 1 }
	};
	struct report_lost end = { { [LOSS_ENDED_MAP_FULL] = 1 } };
	(void)state;

	assert_false(losses__lessen_sums(&harmless));
	assert_true(losses__lessen_sums(&end));
}

static void test_of_a_space(void **state)
{
	struct space space = { .lost = { [LOSS_RETURN] = 2, [LOSS_SITE_MAP_FULL] = 3 } };
	struct report_lost lost = { { [LOSS_RETURN] = 1, [LOSS_UNSEEN_END] = 7 } };
	(void)state;

	losses__add_space(&lost, &space);
	assert_int_equal(lost.by_cause[LOSS_RETURN], 3);
	assert_int_equal(lost.by_cause[LOSS_SITE_MAP_FULL], 3);
	assert_int_equal(lost.by_cause[LOSS_UNSEEN_END], 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_cause_has_words),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_what_lessens_sums),
		cmocka_unit_test(test_of_a_space),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
