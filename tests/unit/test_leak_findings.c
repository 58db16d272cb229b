// SPDX-License-Identifier: GPL-2.0
/* What a leak check says of single blocks becomes sums by call site, and is compared with before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "failing_alloc.h"
#include "leak_findings.h"

#define NS_PER_S 1000000000ULL

/* Five blocks: two definite of one stack, one of which takes an indirect one along; two reachable. */
static const struct leak_block blocks[] = {
	{ .address = 0x1000, .size_bytes = 16, .stack_id = 7 },
	{ .address = 0x2000, .size_bytes = 100, .stack_id = 9 },
	{ .address = 0x3000, .size_bytes = 32, .stack_id = 7 },
	{ .address = 0x4000, .size_bytes = 1, .stack_id = 7 },
	{ .address = 0x5000, .size_bytes = 2, .stack_id = 8 },
};
#define NR_BLOCKS (sizeof(blocks) / sizeof(blocks[0]))

static uint8_t kinds[] = { LEAK_DEFINITE, LEAK_INDIRECT, LEAK_DEFINITE, LEAK_REACHABLE,
			   LEAK_REACHABLE };
static uint64_t indirect_bytes[] = { 100, 0, 0, 0, 0 };
static uint64_t indirect_blocks[] = { 1, 0, 0, 0, 0 };

static struct leak_result result_of_blocks(void)
{
	return (struct leak_result){
		.kinds = kinds,
		.indirect_bytes = indirect_bytes,
		.indirect_blocks = indirect_blocks,
		.limits = LEAK_LIMIT_LATE,
		.scanned_bytes = 4096,
	};
}

static void test_blocks_are_summed_by_kind_and_stack(void **state)
{
	struct leak_result result = result_of_blocks();
	struct leak_findings findings = { 0 };

	(void)state;
	assert_int_equal(leak_findings__sum(&findings, blocks, NR_BLOCKS, &result, false), 0);
	assert_int_equal(findings.nr_sites, 4);
	assert_int_equal(findings.sites[0].kind, LEAK_DEFINITE);
	assert_int_equal(findings.sites[0].stack_id, 7);
	assert_int_equal(findings.sites[0].own.bytes, 48);
	assert_int_equal(findings.sites[0].own.blocks, 2);
	assert_int_equal(findings.sites[0].indirect.bytes, 100);
	assert_int_equal(findings.sites[0].indirect.blocks, 1);
	assert_int_equal(findings.sites[1].kind, LEAK_INDIRECT);
	assert_int_equal(findings.sites[1].own.bytes, 100);
	assert_int_equal(findings.sites[2].kind, LEAK_REACHABLE);
	assert_int_equal(findings.sites[2].stack_id, 7);
	assert_int_equal(findings.sites[3].stack_id, 8);
	assert_int_equal(findings.result.limits, LEAK_LIMIT_LATE);
	assert_int_equal(findings.result.scanned_bytes, 4096);
	assert_null(findings.result.kinds);
	leak_findings__free(&findings);
	assert_null(findings.sites);
}

static void test_sites_list_their_blocks(void **state)
{
	struct leak_result result = result_of_blocks();
	struct leak_findings findings = { 0 };

	(void)state;
	assert_int_equal(leak_findings__sum(&findings, blocks, NR_BLOCKS, &result, true), 0);
	assert_int_equal(findings.sites[0].nr_block_list, 2);
	assert_int_equal(findings.sites[0].block_list[0].address, 0x1000);
	assert_int_equal(findings.sites[0].block_list[1].address, 0x3000);
	assert_int_equal(findings.sites[3].nr_block_list, 1);
	assert_int_equal(findings.sites[3].block_list[0].size_bytes, 2);
	leak_findings__free(&findings);
}

static void test_no_blocks(void **state)
{
	struct leak_result result = { 0 };
	struct leak_findings findings = { 0 };

	(void)state;
	assert_int_equal(leak_findings__sum(&findings, NULL, 0, &result, false), 0);
	assert_int_equal(findings.nr_sites, 0);
	leak_findings__free(&findings);
}

/* More sites than are folded at once: each of 150,000 stacks has two blocks, far apart. */
static void test_many_stacks(void **state)
{
	const size_t nr_stacks = 150000, nr = 2 * nr_stacks;
	struct leak_block *many = calloc(nr, sizeof(*many));
	struct leak_result result = {
		.kinds = malloc(nr),
		.indirect_bytes = calloc(nr, sizeof(uint64_t)),
		.indirect_blocks = calloc(nr, sizeof(uint64_t)),
	};
	struct leak_findings findings = { 0 };

	(void)state;
	for (size_t i = 0; i < nr; i++) {
		many[i] = (struct leak_block){ .size_bytes = i % nr_stacks,
					       .stack_id = i % nr_stacks };
		result.kinds[i] = LEAK_POSSIBLE;
	}
	assert_int_equal(leak_findings__sum(&findings, many, nr, &result, false), 0);
	assert_int_equal(findings.nr_sites, nr_stacks);
	for (size_t i = 0; i < nr_stacks; i++) {
		assert_int_equal(findings.sites[i].stack_id, i);
		assert_int_equal(findings.sites[i].own.blocks, 2);
		assert_int_equal(findings.sites[i].own.bytes, 2 * i);
	}
	leak_findings__free(&findings);
	free(result.kinds);
	free(result.indirect_bytes);
	free(result.indirect_blocks);
	free(many);
}

static void test_growth_since_the_check_before(void **state)
{
	struct leak_site before[] = {
		{ .kind = LEAK_DEFINITE, .stack_id = 1, .own = { 100, 4 } },
		{ .kind = LEAK_REACHABLE, .stack_id = 2, .own = { 10, 1 } },
	};
	struct leak_site now[] = {
		{ .kind = LEAK_DEFINITE, .stack_id = 1, .own = { 150, 6 } },
		{ .kind = LEAK_DEFINITE, .stack_id = 2, .own = { 10, 1 } },
		{ .kind = LEAK_REACHABLE, .stack_id = 2, .own = { 4, 1 } },
	};
	struct leak_findings earlier = {
		.checked_ns = 5 * NS_PER_S, .since_s = -1, .sites = before, .nr_sites = 2
	};
	struct leak_findings findings = {
		.checked_ns = 15 * NS_PER_S, .since_s = -1, .sites = now, .nr_sites = 3
	};

	(void)state;
	leak_findings__compare(&findings, &earlier);
	assert_true(findings.since_s > 9.99 && findings.since_s < 10.01);
	assert_int_equal(now[0].growth_bytes, 50);
	assert_int_equal(now[0].growth_blocks, 2);
	assert_int_equal(now[1].growth_bytes, 10); /* that stack had none of this kind */
	assert_int_equal(now[1].growth_blocks, 1);
	assert_int_equal(now[2].growth_bytes, -6);
	assert_int_equal(now[2].growth_blocks, 0);
}

/* A check that found nothing out is nothing to compare with. */
static void test_a_failed_check_is_not_compared(void **state)
{
	struct leak_site now[] = { { .kind = LEAK_DEFINITE, .stack_id = 1, .own = { 150, 6 } } };
	struct leak_findings earlier = { .why = "it ended meanwhile" };
	struct leak_findings findings = { .since_s = -1, .sites = now, .nr_sites = 1 };

	(void)state;
	leak_findings__compare(&findings, &earlier);
	assert_true(findings.since_s < 0);
	assert_int_equal(now[0].growth_bytes, 0);
}

static void test_no_memory(void **state)
{
	struct leak_result result = result_of_blocks();
	struct leak_findings findings = { 0 };

	(void)state;
	failing_alloc__after(0);
	assert_int_equal(leak_findings__sum(&findings, blocks, NR_BLOCKS, &result, false), -12);
	failing_alloc__never();
	assert_null(findings.sites);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks_are_summed_by_kind_and_stack),
		cmocka_unit_test(test_sites_list_their_blocks),
		cmocka_unit_test(test_no_blocks),
		cmocka_unit_test(test_many_stacks),
		cmocka_unit_test(test_growth_since_the_check_before),
		cmocka_unit_test(test_a_failed_check_is_not_compared),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
