// SPDX-License-Identifier: GPL-2.0
/* Growth from report to report: what a leak, a level cache and a cache that fills look like. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "failing_alloc.h"
#include "report/growth.h"

#define SERIAL 7
#define SECOND ((uint64_t)NS_PER_S)
#define MAX_BLOCKS 64

/* One stack, and its blocks. */
struct leaf {
	uint64_t stack_id, offset;
	uint64_t sizes[MAX_BLOCKS], times_ns[MAX_BLOCKS];
	size_t nr_blocks;
};

static void allocate(struct leaf *leaf, uint64_t size_bytes, uint64_t time_ns)
{
	assert_true(leaf->nr_blocks < MAX_BLOCKS);
	leaf->sizes[leaf->nr_blocks] = size_bytes;
	leaf->times_ns[leaf->nr_blocks++] = time_ns;
}

static void free_oldest(struct leaf *leaf)
{
	leaf->nr_blocks--;
	memmove(leaf->sizes, leaf->sizes + 1, leaf->nr_blocks * sizeof(*leaf->sizes));
	memmove(leaf->times_ns, leaf->times_ns + 1, leaf->nr_blocks * sizeof(*leaf->times_ns));
}

static uint64_t held(const struct leaf *leaf)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < leaf->nr_blocks; i++)
		bytes += leaf->sizes[i];
	return bytes;
}

/* A report of the stacks that hold something; *result has their growth, in their order. */
static struct report_stacks report(struct growth *growth, const struct leaf *leaves, size_t nr,
				   uint64_t now_ns, struct report_growth *result)
{
	struct frame_place places[8] = { 0 };
	struct snapshot_site sites[8] = { 0 };
	struct group_origin origins[8] = { 0 };
	struct stack_group list[8] = { 0 };
	struct process_sites process = { .serial = SERIAL };
	struct stack_groups groups = { .list = list };
	struct report_stacks stacks = { 0 };
	const uint64_t *times_ns;
	size_t nr_times, of[8];
	struct births *births;
	struct growth_subject subject = { .serial = SERIAL, .processes = &process };
	uint64_t bytes = 0, blocks = 0;

	assert_true(nr <= 8);
	growth__begin(growth, now_ns);
	nr_times = growth__times(growth, &times_ns);
	births = births__new(times_ns, nr_times, now_ns);
	assert_non_null(births);
	subject.births = births;
	for (size_t i = 0; i < nr; i++) {
		const struct leaf *leaf = &leaves[i];

		if (!leaf->nr_blocks)
			continue;
		for (size_t j = 0; j < leaf->nr_blocks; j++)
			assert_int_equal(births__add(births, SERIAL, leaf->stack_id, leaf->sizes[j],
						     leaf->times_ns[j]),
					 0);
		places[i] = (struct frame_place){ .has_file = true, .offset = leaf->offset };
		sites[i] = (struct snapshot_site){ .stack_id = leaf->stack_id };
		origins[i] = (struct group_origin){ &sites[i], 0 };
		of[groups.nr] = i;
		list[groups.nr++] = (struct stack_group){
			.bytes = held(leaf),
			.blocks = leaf->nr_blocks,
			.frames = &places[i],
			.nr_frames = 1,
			.origins = &origins[i],
			.nr_origins = 1,
		};
		bytes += held(leaf);
		blocks += leaf->nr_blocks;
	}
	growth__note_process(growth, &subject, bytes, blocks, FIGURE_UNKNOWN);
	assert_int_equal(growth__note(growth, &subject, &groups, &stacks), 0);
	for (size_t i = 0; i < groups.nr; i++)
		result[of[i]] = list[i].growth;
	births__free(births);
	return stacks;
}

static void test_the_first_report_knows_no_growth(void **state)
{
	struct growth *growth = growth__new();
	struct leaf leaf = { .stack_id = 1, .offset = 10 };
	struct report_growth result;
	struct report_stacks stacks;
	(void)state;

	allocate(&leaf, 100, 1 * SECOND);
	stacks = report(growth, &leaf, 1, 10 * SECOND, &result);
	assert_false(result.known);
	assert_true(stacks.since_s == 0);
	allocate(&leaf, 20, 11 * SECOND);
	stacks = report(growth, &leaf, 1, 14 * SECOND, &result);
	assert_true(result.known);
	assert_int_equal(result.bytes, 20);
	assert_int_equal(result.blocks, 1);
	assert_int_equal(result.long_bytes, 20);
	assert_true(result.has_ages);
	assert_int_equal(result.old_bytes, 100);
	assert_int_equal(result.born_bytes, 0);
	assert_false(growth__looks_like_leak(&result));
	assert_true(stacks.since_s == 4 && stacks.long_s == 4);
	growth__free(growth);
}

static void test_a_leak_is_named_at_the_third_report(void **state)
{
	struct growth *growth = growth__new();
	struct leaf leaf = { .stack_id = 1, .offset = 10 };
	struct report_growth result;
	(void)state;

	for (unsigned int i = 0; i < 20; i++) {
		allocate(&leaf, 48, (10 * i + 5) * SECOND);
		report(growth, &leaf, 1, 10 * (i + 1) * SECOND, &result);
		assert_int_equal(growth__looks_like_leak(&result), i >= 2);
		if (i)
			assert_int_equal(result.old_bytes, 48 * i);
	}
	/* Eight reports are remembered: seven intervals have ended since the first of these. */
	assert_int_equal(result.long_bytes, 8 * 48);
	assert_int_equal(result.born_bytes, 7 * 48);
	assert_int_equal(result.survived_bytes, 7 * 48);
	growth__free(growth);
}

static void test_a_cache_is_no_leak_once_it_is_level(void **state)
{
	struct growth *growth = growth__new();
	struct leaf leaf = { .stack_id = 1, .offset = 10 };
	struct report_growth result;
	(void)state;

	/* It has room for 20 blocks, and then gives up the oldest. */
	for (unsigned int i = 0; i < 40; i++) {
		if (leaf.nr_blocks == 20)
			free_oldest(&leaf);
		allocate(&leaf, 1000, (10 * i + 5) * SECOND);
		report(growth, &leaf, 1, 10 * (i + 1) * SECOND, &result);
		if (i >= 20) {
			assert_int_equal(result.bytes, 0);
			assert_false(growth__looks_like_leak(&result));
		}
	}
	/* A last growth of a little, after a long time without any, is no leak either. */
	allocate(&leaf, 10, 405 * SECOND);
	report(growth, &leaf, 1, 410 * SECOND, &result);
	assert_int_equal(result.bytes, 10);
	assert_false(growth__looks_like_leak(&result));
	growth__free(growth);
}

static void test_what_is_given_up_soon_is_no_leak(void **state)
{
	struct growth *growth = growth__new();
	struct leaf leaf = { .stack_id = 1, .offset = 10 };
	struct report_growth result;
	(void)state;

	/* Each interval's blocks are freed in the next one, and each takes a little more. */
	for (unsigned int i = 0; i < 10; i++) {
		if (leaf.nr_blocks)
			free_oldest(&leaf);
		allocate(&leaf, 1000 * (i + 1), (10 * i + 5) * SECOND);
		report(growth, &leaf, 1, 10 * (i + 1) * SECOND, &result);
		assert_false(growth__looks_like_leak(&result));
	}
	assert_int_equal(result.bytes, 1000);
	assert_int_equal(result.survived_bytes, 0);
	growth__free(growth);
}

/* A stack that held nothing for a while is not new, and what it lost is told. */
static void test_a_stack_goes_and_comes_back(void **state)
{
	struct growth *growth = growth__new();
	struct leaf leaves[] = { { .stack_id = 1, .offset = 10 }, { .stack_id = 2, .offset = 20 } };
	struct report_growth result[2];
	struct report_stacks stacks;
	(void)state;

	allocate(&leaves[0], 100, 1 * SECOND);
	allocate(&leaves[1], 300, 1 * SECOND);
	report(growth, leaves, 2, 10 * SECOND, result);
	free_oldest(&leaves[0]);
	stacks = report(growth, leaves, 2, 20 * SECOND, result);
	assert_int_equal(stacks.steady_growth_bytes, -100);
	assert_int_equal(result[1].bytes, 0);
	stacks = report(growth, leaves, 2, 30 * SECOND, result);
	assert_int_equal(stacks.steady_growth_bytes, 0);
	allocate(&leaves[0], 120, 31 * SECOND);
	stacks = report(growth, leaves, 2, 40 * SECOND, result);
	assert_int_equal(result[0].bytes, 120);
	assert_int_equal(result[0].long_bytes, 20);
	growth__free(growth);
}

/* Its earlier blocks were not told of by the report before, so they are no growth. */
static void test_a_process_that_was_left_out_once(void **state)
{
	struct growth *growth = growth__new();
	struct leaf leaf = { .stack_id = 1, .offset = 10 };
	struct report_growth result;
	(void)state;

	growth__begin(growth, 5 * SECOND);
	allocate(&leaf, 100, 1 * SECOND);
	report(growth, &leaf, 1, 10 * SECOND, &result);
	assert_false(result.known);
	allocate(&leaf, 1, 15 * SECOND);
	report(growth, &leaf, 1, 20 * SECOND, &result);
	assert_true(result.known);
	assert_int_equal(result.bytes, 1);
	assert_int_equal(result.long_bytes, 1);
	growth__free(growth);
}

static void test_a_process_that_began_since_has_grown_by_all(void **state)
{
	struct growth *growth = growth__new();
	struct growth_subject subject = { .serial = SERIAL, .began_ns = 6 * SECOND };
	struct report_growth result;
	(void)state;

	growth__begin(growth, 5 * SECOND);
	growth__begin(growth, 10 * SECOND);
	result = growth__note_process(growth, &subject, 100, 2, 5000);
	assert_true(result.known);
	assert_int_equal(result.bytes, 100);
	assert_true(result.anon_bytes == FIGURE_UNKNOWN);
	assert_int_equal(growth__held_before(growth, SERIAL), 0);
	growth__begin(growth, 15 * SECOND);
	assert_int_equal(growth__held_before(growth, SERIAL), 100);
	result = growth__note_process(growth, &subject, 40, 1, 9000);
	assert_int_equal(result.bytes, -60);
	assert_int_equal(result.blocks, -1);
	assert_int_equal(result.anon_bytes, 4000);
	growth__free(growth);
}

static void test_births_of_many_sites(void **state)
{
	const uint64_t times_ns[] = { 10, 20 };
	struct births *births = births__new(times_ns, 2, 30);
	(void)state;

	for (uint64_t i = 1; i <= 10000; i++)
		for (uint64_t time = 5; time < 30; time += 10)
			assert_int_equal(births__add(births, 1 + i % 3, i, i * time, time), 0);
	for (uint64_t i = 1; i <= 10000; i++) {
		const struct birth_sums *sums = births__find(births, 1 + i % 3, i);

		assert_non_null(sums);
		assert_int_equal(sums->in[0], i * 5);
		assert_int_equal(sums->in[1], i * 15);
		assert_int_equal(sums->in[2], i * 25);
	}
	assert_null(births__find(births, 1, 10001));
	/* A block that was allocated at the moment of a report was there. */
	assert_int_equal(births__add(births, 9, 1, 8, 10), 0);
	assert_int_equal(births__find(births, 9, 1)->in[0], 8);
	/* One that is younger than the report will be in the next. */
	assert_int_equal(births__add(births, 9, 2, 8, 31), 0);
	assert_null(births__find(births, 9, 2));
	births__free(births);
}

static void test_no_memory(void **state)
{
	struct growth *growth = growth__new();
	const uint64_t times_ns[BIRTHS_MAX_REPORTS + 1] = { 0 };
	struct frame_place place = { 0 };
	struct stack_group group = { .bytes = 1, .blocks = 1, .frames = &place, .nr_frames = 1 };
	struct stack_groups groups = { .list = &group, .nr = 1 };
	struct growth_subject subject = { .serial = SERIAL };
	struct report_stacks stacks = { 0 };
	(void)state;

	assert_null(births__new(times_ns, BIRTHS_MAX_REPORTS + 1, 1));
	growth__begin(growth, SECOND);
	failing_alloc__after(0);
	assert_null(growth__new());
	assert_null(births__new(times_ns, 1, 1));
	assert_int_equal(growth__note(growth, &subject, &groups, &stacks), -ENOMEM);
	failing_alloc__never();
	growth__free(growth);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_first_report_knows_no_growth),
		cmocka_unit_test(test_a_leak_is_named_at_the_third_report),
		cmocka_unit_test(test_a_cache_is_no_leak_once_it_is_level),
		cmocka_unit_test(test_what_is_given_up_soon_is_no_leak),
		cmocka_unit_test(test_a_stack_goes_and_comes_back),
		cmocka_unit_test(test_a_process_that_was_left_out_once),
		cmocka_unit_test(test_a_process_that_began_since_has_grown_by_all),
		cmocka_unit_test(test_births_of_many_sites),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
