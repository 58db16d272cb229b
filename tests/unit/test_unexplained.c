// SPDX-License-Identifier: GPL-2.0
/* Memory that no allocator accounts for, and when that can't be told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report/unexplained.h"

#define MIB (1 << 20)

/* A process that allocated little, and had 64 MiB of anonymous memory. */
static struct process_report pool(void)
{
	return (struct process_report){
		.has_allocator = true,
		.allocated_bytes = 4096,
		.allocated_blocks = 1,
		.reclaimed = { .rss_anon_bytes = 64 * MIB },
	};
}

static void assert_unexplained(struct process_report report, figure bytes, bool has_allocator)
{
	unexplained__judge(&report);
	assert_int_equal(report.unexplained_bytes, bytes);
	assert_int_equal(report.has_allocator, has_allocator);
	assert_int_equal(report.uncalled, !has_allocator);
}

static void test_memory_besides_blocks(void **state)
{
	struct process_report report = pool();

	(void)state;
	assert_unexplained(report, 64 * MIB - 2 * 4096 - 8192, true);
	report.reclaimed.rss_anon_bytes = 8 * MIB; /* stacks, data, and the allocator's own */
	assert_unexplained(report, 0, true);
}

static void test_blocks_explain_it(void **state)
{
	struct process_report report = pool();

	(void)state;
	report.allocated_bytes = 60 * MIB;
	assert_unexplained(report, 0, true);
	report.allocated_bytes = 0;
	report.allocated_blocks = 8 * 1024; /* each at a page of its own */
	assert_unexplained(report, 0, true);
	report.allocated_bytes = UINT64_MAX / 2;
	assert_unexplained(report, 0, true);
	report.allocated_bytes = UINT64_MAX;
	report.allocated_blocks = UINT64_MAX;
	assert_unexplained(report, 0, true);
}

/* No call at all: an allocator may be at work that nobody probed, unless there is no memory. */
static void test_nothing_was_called(void **state)
{
	struct process_report report = pool();

	(void)state;
	report.allocated_bytes = report.allocated_blocks = 0;
	assert_unexplained(report, 64 * MIB, false);
	report.reclaimed.rss_anon_bytes = MIB;
	assert_unexplained(report, MIB, false);
	report.reclaimed.rss_anon_bytes = MIB - 1;
	assert_unexplained(report, 0, true);
	report.reclaimed.rss_anon_bytes = 7 * MIB;
	report.freed_blocks = 1;
	assert_unexplained(report, 0, true);
	report.freed_blocks = 0;
	report.unknown_frees = 1;
	assert_unexplained(report, 0, true);
	report.unknown_frees = 0;
	report.failed = 1;
	assert_unexplained(report, 0, true);
}

/* There was none: that is another reason. */
static void test_no_allocator(void **state)
{
	struct process_report report = { .reclaimed = { .rss_anon_bytes = 4 * MIB } };

	(void)state;
	unexplained__judge(&report);
	assert_int_equal(report.unexplained_bytes, 4 * MIB);
	assert_false(report.has_allocator);
	assert_false(report.uncalled);
}

static void test_it_cannot_be_told(void **state)
{
	struct process_report report = pool();

	(void)state;
	report.late_attach = true;
	assert_unexplained(report, FIGURE_UNKNOWN, true);
	report = pool();
	report.filtered = true;
	assert_unexplained(report, FIGURE_UNKNOWN, true);
	report = pool();
	report.fork_copy = true;
	assert_unexplained(report, FIGURE_UNKNOWN, true);
	report = pool();
	report.inherited_from = 1;
	assert_unexplained(report, FIGURE_UNKNOWN, true);
	report = pool();
	report.lost.by_cause[LOSS_RETURN] = 1;
	assert_unexplained(report, FIGURE_UNKNOWN, true);
	report = pool();
	report.reclaimed.rss_anon_bytes = FIGURE_UNKNOWN;
	assert_unexplained(report, FIGURE_UNKNOWN, true);
	report = pool();
	report.not_looked_at = "a 32-bit program";
	assert_unexplained(report, FIGURE_UNKNOWN, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_besides_blocks),
		cmocka_unit_test(test_blocks_explain_it),
		cmocka_unit_test(test_nothing_was_called),
		cmocka_unit_test(test_no_allocator),
		cmocka_unit_test(test_it_cannot_be_told),
	};

	return cmocka_run_group_tests_name("unexplained", tests, NULL, NULL);
}
