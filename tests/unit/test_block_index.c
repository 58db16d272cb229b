// SPDX-License-Identifier: GPL-2.0
/* block_index.h: sorted, disjoint blocks, and searches against a look at every block. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above before it. */
#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "failing_alloc.h"
#include "leaks/block_index.h"

#define LAST UINT64_MAX

static uint64_t random_state = 88172645463325252ull;

/* xorshift64: the same numbers in every run. */
static uint64_t any(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static uint64_t below(uint64_t limit)
{
	return any() % limit;
}

/* By what the header promises, without ends, which could overflow. */
static bool points_into(const struct leak_block *block, uint64_t address)
{
	if (block->size_bytes == 0)
		return address == block->address;
	return address >= block->address && address - block->address < block->size_bytes;
}

static uint32_t look_at_all(const struct leak_block *blocks, size_t nr, uint64_t address)
{
	for (size_t i = 0; i < nr; i++)
		if (points_into(&blocks[i], address))
			return (uint32_t)i;
	return BLOCK_NONE;
}

static bool overlap(const struct leak_block *a, const struct leak_block *b)
{
	return points_into(a, b->address) || points_into(b, a->address);
}

static struct block_index *new_index(const struct leak_block *blocks, size_t nr)
{
	struct block_index *index = block_index__new(blocks, nr);

	assert_non_null(index);
	return index;
}

/* Both ends of each block and of the address space, and what is next to them. */
static void check_edges(const struct leak_block *blocks, size_t nr)
{
	struct block_index *index = new_index(blocks, nr);

	for (size_t i = 0; i < nr; i++)
		for (uint64_t by = 0; by < 3; by++) {
			uint64_t start = blocks[i].address + by - 1;
			uint64_t end = blocks[i].address + blocks[i].size_bytes + by - 1;

			assert_int_equal(block_index__find(index, start),
					 look_at_all(blocks, nr, start));
			assert_int_equal(block_index__find(index, end),
					 look_at_all(blocks, nr, end));
		}
	assert_int_equal(block_index__find(index, 0), look_at_all(blocks, nr, 0));
	assert_int_equal(block_index__find(index, LAST), look_at_all(blocks, nr, LAST));
	block_index__free(index);
}

static void test_no_block(void **state)
{
	struct block_index *index = new_index(NULL, 0);

	(void)state;
	assert_int_equal(block_index__sort(NULL, 0), 0);
	assert_int_equal(block_index__find(index, 0), BLOCK_NONE);
	assert_int_equal(block_index__find(index, 4096), BLOCK_NONE);
	assert_int_equal(block_index__find(index, LAST), BLOCK_NONE);
	block_index__free(index);
	block_index__free(NULL);
}

static void test_adjacent_and_empty_blocks(void **state)
{
	const struct leak_block blocks[] = {
		{ .address = 100, .size_bytes = 10 }, { .address = 110, .size_bytes = 1 },
		{ .address = 111, .size_bytes = 0 },  { .address = 112, .size_bytes = 0 },
		{ .address = 113, .size_bytes = 50 }, { .address = 200, .size_bytes = 0 },
	};
	struct block_index *index = new_index(blocks, 6);

	(void)state;
	assert_int_equal(block_index__find(index, 99), BLOCK_NONE);
	assert_int_equal(block_index__find(index, 100), 0);
	assert_int_equal(block_index__find(index, 109), 0);
	assert_int_equal(block_index__find(index, 110), 1);
	assert_int_equal(block_index__find(index, 111), 2);
	assert_int_equal(block_index__find(index, 112), 3);
	assert_int_equal(block_index__find(index, 162), 4);
	assert_int_equal(block_index__find(index, 163), BLOCK_NONE);
	assert_int_equal(block_index__find(index, 199), BLOCK_NONE);
	assert_int_equal(block_index__find(index, 200), 5);
	assert_int_equal(block_index__find(index, 201), BLOCK_NONE);
	block_index__free(index);
}

static void test_ends_of_the_address_space(void **state)
{
	struct leak_block blocks[] = {
		{ .address = LAST - 15, .size_bytes = 15 },
		{ .address = 0, .size_bytes = 8 },
		{ .address = LAST - 16, .size_bytes = 0 },
		{ .address = LAST - 100, .size_bytes = 101 }, /* its end can't be said */
		{ .address = LAST, .size_bytes = 0 },
		{ .address = LAST - 100, .size_bytes = LAST }, /* round and back to its start */
		{ .address = 16, .size_bytes = LAST - 15 },
	};

	(void)state;
	assert_int_equal(block_index__sort(blocks, 7), 3);
	assert_true(blocks[0].address == 0);
	assert_true(blocks[1].address == LAST - 16);
	assert_true(blocks[2].address == LAST - 15);
	check_edges(blocks, 3);
}

/* Their sizes take more than 32 bits. */
static void test_large_blocks(void **state)
{
	const struct leak_block blocks[] = {
		{ .address = 1ull << 33, .size_bytes = UINT32_MAX - 1ull },
		{ .address = 1ull << 34, .size_bytes = UINT32_MAX },
		{ .address = 1ull << 35, .size_bytes = UINT32_MAX + 1ull },
		{ .address = 1ull << 40, .size_bytes = 1ull << 46 },
	};
	const struct leak_block all = { .address = 0, .size_bytes = LAST };

	(void)state;
	check_edges(blocks, 4);
	check_edges(&all, 1);
}

static void test_overlapping_blocks(void **state)
{
	struct leak_block newer_inside[] = { { 100, 100, 1, 5 }, { 150, 10, 2, 6 } };
	struct leak_block older_inside[] = { { 150, 10, 2, 4 }, { 100, 100, 1, 5 } };
	struct leak_block same_time[] = { { 100, 100, 1, 5 }, { 150, 100, 2, 5 } };
	/* The second ends the first, and the third ends the second. */
	struct leak_block chain[] = { { 140, 30, 3, 7 }, { 100, 30, 1, 5 }, { 120, 30, 2, 6 } };
	/* An empty block takes a byte. */
	struct leak_block empty[] = { { 100, 0, 1, 5 }, { 100, 8, 2, 6 }, { 104, 0, 3, 7 } };
	struct leak_block adjacent[] = { { 100, 8, 1, 5 }, { 108, 0, 2, 4 }, { 109, 8, 3, 3 } };

	(void)state;
	assert_int_equal(block_index__sort(newer_inside, 2), 1);
	assert_int_equal(newer_inside[0].stack_id, 2);
	assert_int_equal(block_index__sort(older_inside, 2), 1);
	assert_int_equal(older_inside[0].stack_id, 1);
	assert_int_equal(block_index__sort(same_time, 2), 1);
	assert_int_equal(same_time[0].stack_id, 2);
	assert_int_equal(block_index__sort(chain, 3), 1);
	assert_int_equal(chain[0].stack_id, 3);
	assert_int_equal(block_index__sort(empty, 3), 1);
	assert_int_equal(empty[0].stack_id, 3);
	assert_int_equal(block_index__sort(adjacent, 3), 3);
}

/* Blocks of one allocator, then its blocks far away, then some anywhere. */
static size_t make_blocks(struct leak_block *blocks, size_t nr, bool anywhere)
{
	uint64_t at = 0x555555560000;

	for (size_t i = 0; i < nr; i++) {
		if (i == nr / 2)
			at = 0x7f1200000000;
		blocks[i] = (struct leak_block){
			.address = anywhere ? any() >> below(60) : at,
			.size_bytes = below(8) ? below(100) : 0,
			.stack_id = i,
			.time_ns = below(nr),
		};
		at += blocks[i].size_bytes + (blocks[i].size_bytes == 0) + below(3);
	}
	/* They come in any order. */
	for (size_t i = nr; i > 1; i--) {
		struct leak_block *other = &blocks[below(i)], moved = *other;

		*other = blocks[i - 1];
		blocks[i - 1] = moved;
	}
	return block_index__sort(blocks, nr);
}

/* Of every number of blocks that makes a level of the index end in an odd way. */
static void test_against_all_blocks(void **state)
{
	static struct leak_block blocks[5000];
	static const size_t many[] = { 255, 256, 257, 271, 272, 273, 1000, 4095, 4096, 4097, 5000 };
	size_t nr_many = sizeof(many) / sizeof(*many);

	(void)state;
	for (size_t nr = 1; nr <= 70; nr++)
		for (int anywhere = 0; anywhere <= 1; anywhere++)
			check_edges(blocks, make_blocks(blocks, nr, anywhere));
	for (size_t i = 0; i < nr_many; i++) {
		size_t nr = make_blocks(blocks, many[i], false);

		assert_int_equal(nr, many[i]);
		check_edges(blocks, nr);
		check_edges(blocks, make_blocks(blocks, many[i], true));
	}
}

/* Sorted and disjoint; and each that is missing wraps or overlaps one that is not older. */
static void check_sorted(const struct leak_block *given, size_t nr_given,
			 const struct leak_block *blocks, size_t nr)
{
	bool *kept = calloc(nr_given + 1, sizeof(*kept));

	assert_non_null(kept);
	for (size_t i = 0; i < nr; i++) {
		assert_memory_equal(&blocks[i], &given[blocks[i].stack_id], sizeof(*blocks));
		assert_false(kept[blocks[i].stack_id]);
		kept[blocks[i].stack_id] = true;
		if (i > 0) {
			assert_true(blocks[i - 1].address < blocks[i].address);
			assert_false(overlap(&blocks[i - 1], &blocks[i]));
		}
	}
	for (size_t i = 0; i < nr_given; i++) {
		bool is_explained = kept[i];

		for (size_t j = 0; j < nr_given; j++)
			is_explained |= i != j && overlap(&given[i], &given[j]) &&
					given[j].time_ns >= given[i].time_ns;
		assert_true(is_explained);
	}
	free(kept);
}

static void test_sorting(void **state)
{
	static struct leak_block given[1500], blocks[1500];

	(void)state;
	for (int round = 0; round < 60; round++) {
		size_t nr = 1 + below(1500);
		/* From a few addresses, each of many blocks, up to all of them. */
		uint64_t span = 1ull << below(64), base = any() & any();

		if (base > LAST - span - 1000)
			base = LAST - span - 1000;
		for (size_t i = 0; i < nr; i++)
			blocks[i] =
				(struct leak_block){ base + below(span), below(20), i, below(500) };
		memcpy(given, blocks, nr * sizeof(*blocks));
		check_sorted(given, nr, blocks, block_index__sort(blocks, nr));
	}
}

/* Of two heaps, and spread over all addresses: milliseconds, where the square would be seconds. */
static void test_sorting_many(void **state)
{
	const size_t nr = 200000;
	struct leak_block *blocks = malloc(nr * sizeof(*blocks));

	(void)state;
	assert_non_null(blocks);
	for (int anywhere = 0; anywhere <= 1; anywhere++) {
		uint64_t begun_ns = clock__thread_cpu_ns();
		size_t nr_left = make_blocks(blocks, nr, anywhere);

		assert_true(clock__thread_cpu_ns() - begun_ns < 3 * NS_PER_S);
		assert_true(nr_left > nr / 2);
		for (size_t i = 1; i < nr_left; i++)
			assert_true(blocks[i - 1].address < blocks[i].address);
	}
	free(blocks);
}

static void test_no_memory(void **state)
{
	const struct leak_block block = { .address = 4096, .size_bytes = 16 };
	struct block_index *index = NULL;
	long nr_allocations = 0;

	(void)state;
	for (; !index; nr_allocations++) {
		failing_alloc__after(nr_allocations);
		errno = 0;
		index = block_index__new(&block, 1);
		failing_alloc__never();
		if (!index)
			assert_int_equal(errno, ENOMEM);
	}
	assert_true(nr_allocations > 1);
	assert_int_equal(block_index__find(index, 4096), 0);
	block_index__free(index);
	assert_null(block_index__new(&block, (size_t)BLOCK_NONE + 1));
	assert_int_equal(errno, E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_block),
		cmocka_unit_test(test_adjacent_and_empty_blocks),
		cmocka_unit_test(test_ends_of_the_address_space),
		cmocka_unit_test(test_large_blocks),
		cmocka_unit_test(test_overlapping_blocks),
		cmocka_unit_test(test_against_all_blocks),
		cmocka_unit_test(test_sorting),
		cmocka_unit_test(test_sorting_many),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
