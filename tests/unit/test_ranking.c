// SPDX-License-Identifier: GPL-2.0
/* Processes ranked by the memory that they hold, and its growth. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "failing_alloc.h"
#include "report/ranking.h"

static struct space spaces[] = {
	{ .serial = 30, .tgid = 3, .comm = "three", .held_bytes = 100, .held_blocks = 2 },
	{ .serial = 10,
	  .tgid = 1,
	  .comm = "one",
	  .held_bytes = 500,
	  .held_blocks = 1,
	  .flags = SPACE_LATE },
	{ .serial = 20, .tgid = 2, .comm = "two" },
	{ .serial = 40,
	  .tgid = 4,
	  .comm = "four",
	  .held_bytes = 100,
	  .held_blocks = 9,
	  .lost[LOSS_BLOCK_MAP_FULL] = 1,
	  .lost[LOSS_STACK] = 5 },
};

#define NR_SPACES (sizeof(spaces) / sizeof(spaces[0]))

static void test_largest_first(void **state)
{
	struct ranking *ranking = ranking__new();
	struct ranking_report report = { 0 };

	(void)state;
	assert_int_equal(ranking__fill(ranking, &report, spaces, NR_SPACES, 10, ORDER_HELD), 0);
	assert_int_equal(report.nr_rows, 3); /* a process that holds nothing is no row */
	assert_int_equal(report.processes, 3);
	assert_int_equal(report.held_bytes, 700);
	assert_int_equal(report.held_blocks, 12);
	assert_int_equal(report.lost.by_cause[LOSS_BLOCK_MAP_FULL], 1);
	assert_int_equal(report.lost.by_cause[LOSS_STACK], 5);
	assert_int_equal(report.rows[0].pid, 1);
	assert_string_equal(report.rows[0].comm, "one");
	assert_true(report.rows[0].late_attach);
	assert_false(report.rows[0].at_least);
	assert_int_equal(report.rows[0].growth_bytes, 500);
	assert_int_equal(report.rows[1].pid, 4); /* as many bytes in more blocks */
	assert_true(report.rows[1].at_least);
	assert_int_equal(report.rows[2].pid, 3);
	assert_int_equal(report.more_rows, 0);
	ranking__free(ranking);
	ranking__free(NULL);
}

static void test_the_rest_is_summed(void **state)
{
	struct ranking *ranking = ranking__new();
	struct ranking_report report = { 0 };

	(void)state;
	assert_int_equal(ranking__fill(ranking, &report, spaces, NR_SPACES, 1, ORDER_HELD), 0);
	assert_int_equal(report.nr_rows, 1);
	assert_int_equal(report.more_rows, 2);
	assert_int_equal(report.more_rows_bytes, 200);
	assert_int_equal(report.more_rows_blocks, 11);
	ranking__free(ranking);
}

/* By the address space, not by the PID: another program under the same PID begins at nothing. */
static void test_growth(void **state)
{
	struct ranking *ranking = ranking__new();
	struct ranking_report first = { 0 }, second = { 0 };
	struct space later[NR_SPACES];

	(void)state;
	memcpy(later, spaces, sizeof(later));
	later[0].held_bytes = 40;
	later[1].held_bytes = 700;
	later[3].serial = 41;
	assert_int_equal(ranking__fill(ranking, &first, spaces, NR_SPACES, 10, ORDER_HELD), 0);
	assert_int_equal(ranking__fill(ranking, &second, later, NR_SPACES, 10, ORDER_HELD), 0);
	assert_int_equal(second.rows[0].growth_bytes, 200);
	assert_int_equal(second.rows[1].growth_bytes, 100);
	assert_int_equal(second.rows[2].growth_bytes, -60);
	ranking__free(ranking);
}

static void test_nothing(void **state)
{
	struct ranking *ranking = ranking__new();
	struct ranking_report report = { 0 };

	(void)state;
	assert_int_equal(ranking__fill(ranking, &report, NULL, 0, 10, ORDER_HELD), 0);
	assert_int_equal(report.nr_rows, 0);
	failing_alloc__after(1);
	assert_int_equal(ranking__fill(ranking, &report, spaces, NR_SPACES, 10, ORDER_HELD),
			 -ENOMEM);
	failing_alloc__never();
	ranking__free(ranking);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_largest_first),
		cmocka_unit_test(test_the_rest_is_summed),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
