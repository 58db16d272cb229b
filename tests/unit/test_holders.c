// SPDX-License-Identifier: GPL-2.0
/*
 * holders.h: the holders of an object, from records in any order; and scan_budget.h, the rhythm of
 * scans.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above before it. */
#include <cmocka.h>
#include <errno.h>

#include "failing_alloc.h"
#include "stays/holders.h"
#include "base/scan_budget.h"

#define DEVICE (3U << 20 | 5)
#define MS 1000000ULL

static int add(struct holders *holders, uint64_t inode, uint32_t tgid, uint32_t ways, uint32_t sysv)
{
	const struct holder holder = { .device = DEVICE,
				       .inode = inode,
				       .tgid = tgid,
				       .ways = ways,
				       .sysv = sysv,
				       .bytes = 4096 };

	return holders__add(holders, &holder);
}

static struct holding find(const struct holders *holders, enum shared_kind kind, uint64_t inode,
			   pid_t except)
{
	struct shared_object object = {
		.kind = kind, .file = { .inode = inode, .dev_major = 3, .dev_minor = 5 }
	};

	return holders__find(holders, &object, except);
}

static void test_who_holds_it(void **state)
{
	struct holders holders = { 0 };
	struct holding holding;

	(void)state;
	assert_int_equal(find(&holders, SHARED_MEMFD, 7, 0).nr_processes, 0);
	holders__sort(&holders);
	assert_int_equal(add(&holders, 7, 30, HOLDING_OPEN, 0), 0);
	assert_int_equal(add(&holders, 7, 30, HOLDING_OPEN, 0), 0);
	assert_int_equal(add(&holders, 9, 30, HOLDING_OPEN, 0), 0);
	assert_int_equal(add(&holders, 7, 20, HOLDING_MAPPED, 0), 0);
	assert_int_equal(add(&holders, 8, 20, HOLDING_MAPPED, 0), 0);
	assert_int_equal(add(&holders, 7, 30, HOLDING_MAPPED, 0), 0);
	assert_int_equal(holders.nr, 5);
	holders__sort(&holders);

	holding = find(&holders, SHARED_MEMFD, 7, 0);
	assert_int_equal(holding.nr_processes, 2);
	assert_int_equal(holding.first, 20);
	assert_true(holding.mapped && !holding.open);
	assert_int_equal(holding.bytes, 4096);
	/* The process that ended may not have closed it yet. */
	holding = find(&holders, SHARED_MEMFD, 7, 20);
	assert_int_equal(holding.nr_processes, 1);
	assert_int_equal(holding.first, 30);
	assert_true(holding.mapped && holding.open);
	assert_int_equal(find(&holders, SHARED_MEMFD, 8, 20).nr_processes, 0);
	assert_int_equal(find(&holders, SHARED_MEMFD, 6, 0).nr_processes, 0);
	assert_int_equal(find(&holders, SHARED_MEMFD, 10, 0).nr_processes, 0);
	holders__clear(&holders);
	assert_int_equal(find(&holders, SHARED_MEMFD, 7, 0).nr_processes, 0);
	holders__free(&holders);
}

static void test_a_segment_and_a_memfd_of_one_number(void **state)
{
	struct holders holders = { 0 };

	(void)state;
	assert_int_equal(add(&holders, 7, 20, HOLDING_MAPPED, 1), 0);
	assert_int_equal(add(&holders, 7, 30, HOLDING_OPEN, 0), 0);
	holders__sort(&holders);
	assert_int_equal(find(&holders, SHARED_SYSV, 7, 0).first, 20);
	assert_int_equal(find(&holders, SHARED_SYSV, 7, 0).nr_processes, 1);
	assert_int_equal(find(&holders, SHARED_MEMFD, 7, 0).first, 30);
	assert_int_equal(find(&holders, SHARED_MEMFD, 7, 0).nr_processes, 1);
	/* A file may be called SYSVsomething. */
	assert_int_equal(find(&holders, SHARED_FILE, 7, 0).nr_processes, 2);
	holders__free(&holders);
}

static void test_bounds(void **state)
{
	struct holders holders = { 0 };
	uint32_t nr = 0;
	int err;

	(void)state;
	failing_alloc__after(0);
	assert_int_equal(add(&holders, 7, 20, HOLDING_MAPPED, 0), -ENOMEM);
	failing_alloc__never();
	do {
		err = add(&holders, 7, ++nr, HOLDING_MAPPED, 0);
	} while (!err && nr < 10000000);
	assert_int_equal(err, -ENOSPC);
	holders__free(&holders);
}

static void test_one_look_for_many_ends(void **state)
{
	struct scan_budget budget = { 0 };

	(void)state;
	assert_false(scan_budget__is_fresh(&budget, 5, 10));
	assert_int_equal(scan_budget__wait_ns(&budget, 1000 * MS), 0);
	scan_budget__charge(&budget, 1000 * MS, 1010 * MS, 1 * MS);
	assert_true(scan_budget__is_fresh(&budget, 1000 * MS, 1010 * MS));
	assert_true(scan_budget__is_fresh(&budget, 900 * MS, 1100 * MS));
	/* The process ended while we looked; and findings get old. */
	assert_false(scan_budget__is_fresh(&budget, 1005 * MS, 1010 * MS));
	assert_false(scan_budget__is_fresh(&budget, 900 * MS, 1111 * MS));
}

static void test_a_fifth_of_the_time(void **state)
{
	struct scan_budget budget = { 0 };
	uint64_t now_ns = 1000000 * MS, until_ns = now_ns + 60000 * MS, spent_ns = 0;

	(void)state;
	while (now_ns < until_ns) {
		uint64_t wait_ns = scan_budget__wait_ns(&budget, now_ns);

		if (wait_ns) {
			now_ns += wait_ns;
			assert_int_equal(scan_budget__wait_ns(&budget, now_ns), 0);
			continue;
		}
		scan_budget__charge(&budget, now_ns, now_ns + 3 * MS, 3 * MS);
		spent_ns += 3 * MS;
		now_ns += 3 * MS;
	}
	assert_in_range(spent_ns, 12000 * MS, 12000 * MS + 200 * MS);
}

static void test_a_very_long_look(void **state)
{
	struct scan_budget budget = { 0 };

	(void)state;
	scan_budget__charge(&budget, 1000 * MS, 3100 * MS, 2100 * MS);
	assert_in_range(scan_budget__wait_ns(&budget, 3100 * MS), 10000 * MS, 10001 * MS);
	assert_int_equal(scan_budget__wait_ns(&budget, 13200 * MS), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_holds_it),
		cmocka_unit_test(test_a_segment_and_a_memfd_of_one_number),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_one_look_for_many_ends),
		cmocka_unit_test(test_a_fifth_of_the_time),
		cmocka_unit_test(test_a_very_long_look),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
