// SPDX-License-Identifier: GPL-2.0
/*
 * pointer_log.h: every pointer into a block is noted, wherever blocks are, and hardly anything
 * else; the room for notes ends where it should.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above before it. */
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "failing_alloc.h"
#include "leaks/pointer_log.h"

#define NR_BLOCKS 2000
#define NR_WORDS 5000

static uint64_t random_word(unsigned int *state)
{
	return (uint64_t)rand_r(state) << 42 ^ (uint64_t)rand_r(state) << 21 ^
	       (uint64_t)rand_r(state);
}

/* Blocks all over the addresses, up to sizes that take the filter's pages from 4 KiB to more. */
static size_t make_blocks(struct leak_block *blocks, unsigned int size_bits, unsigned int *state)
{
	for (size_t i = 0; i < NR_BLOCKS; i++)
		blocks[i] = (struct leak_block){
			.address = random_word(state) >> 17,
			.size_bytes = random_word(state) >> (64 - size_bits),
		};
	return block_index__sort(blocks, NR_BLOCKS);
}

static void test_each_pointer_is_noted(void **state)
{
	static struct leak_block blocks[NR_BLOCKS];
	static uint64_t words[NR_WORDS];
	unsigned int random_state = 5;

	(void)state;
	for (unsigned int size_bits = 1; size_bits < 44; size_bits += 6) {
		size_t nr_blocks = make_blocks(blocks, size_bits, &random_state), nr_noted = 0;
		struct pointer_log log;

		assert_int_equal(pointer_log__init(&log, blocks, nr_blocks, NULL, 0), 0);
		for (size_t i = 0; i < NR_WORDS; i++) {
			const struct leak_block *block = &blocks[i % nr_blocks];

			/* Every third one is the first or the last byte's address. */
			words[i] = block->address;
			if (block->size_bytes && i % 3 == 1)
				words[i] += block->size_bytes - 1;
			else if (block->size_bytes && i % 3 == 2)
				words[i] += random_word(&random_state) % block->size_bytes;
			assert_true(pointer_log__notes(&log, words[i]));
		}
		assert_int_equal(pointer_log__words(&log, 0x10000, words, NR_WORDS), 0);
		assert_int_equal(log.nr, NR_WORDS);
		for (size_t i = 0; i < NR_WORDS; i++) {
			assert_int_equal(log.list[i].value, words[i]);
			assert_int_equal(log.list[i].source, 0x10000 + 8 * i);
		}
		for (size_t i = 0; i < NR_WORDS; i++)
			nr_noted += pointer_log__notes(&log, random_word(&random_state));
		assert_true(nr_noted < NR_WORDS / 2);
		pointer_log__free(&log);
	}
}

static void test_few_others_are_noted(void **state)
{
	static const struct leak_block blocks[] = { { .address = 0x10000800, .size_bytes = 100 },
						    { .address = 0x7f0000000000 } };
	const uint64_t words[] = { 0,	       0x1000,	   0x10000000,	   0x10000fff,
				   0x10001000, 0x10000800, 0x7f0000000000, 0x7f0000000001,
				   UINT64_MAX, 0xfffffff };
	struct pointer_log log;

	(void)state;
	assert_int_equal(pointer_log__init(&log, blocks, 2, NULL, 0), 0);
	assert_int_equal(pointer_log__words(&log, 8, words, 10), 0);
	/* Those of the first block's page from its start on, and the other block's only address. */
	assert_int_equal(log.nr, 3);
	assert_int_equal(log.list[0].value, 0x10000fff);
	assert_int_equal(log.list[0].source, 8 + 3 * 8);
	assert_int_equal(log.list[1].value, 0x10000800);
	assert_int_equal(log.list[2].value, 0x7f0000000000);
	pointer_log__free(&log);
}

static void test_ranges_count_as_blocks(void **state)
{
	struct address_range ranges[] = { { 0x1000, 0x3000 }, { 0x500000000000, 0x500000000001 } };
	const struct range_list list = { .list = ranges, .nr = 2 }, empty = { 0 };
	const struct range_list *const lists[] = { &empty, &list };
	struct pointer_log log;

	(void)state;
	assert_int_equal(pointer_log__init(&log, NULL, 0, lists, 2), 0);
	assert_true(pointer_log__notes(&log, 0x1000));
	assert_true(pointer_log__notes(&log, 0x2fff));
	assert_true(pointer_log__notes(&log, 0x500000000000));
	assert_false(pointer_log__notes(&log, 0xfff));
	assert_false(pointer_log__notes(&log, 0x3000));
	assert_false(pointer_log__notes(&log, 0x500000000001));
	pointer_log__free(&log);
	assert_int_equal(pointer_log__init(&log, NULL, 0, lists, 1), 0);
	assert_false(pointer_log__notes(&log, 0));
	assert_false(pointer_log__notes(&log, UINT64_MAX));
	pointer_log__free(&log);
}

/* As large as addresses allow; making the filter takes no longer. */
static void test_huge_blocks(void **state)
{
	const struct leak_block blocks[] = { { .address = 8, .size_bytes = 1ULL << 63 },
					     { .address = (1ULL << 63) + 8,
					       .size_bytes = (1ULL << 63) - 16 } };
	struct pointer_log log;

	(void)state;
	assert_int_equal(pointer_log__init(&log, blocks, 2, NULL, 0), 0);
	assert_true(pointer_log__notes(&log, 8));
	assert_true(pointer_log__notes(&log, 1ULL << 63));
	assert_true(pointer_log__notes(&log, UINT64_MAX - 8));
	assert_false(pointer_log__notes(&log, 7));
	pointer_log__free(&log);
}

static void test_room_ends(void **state)
{
	const struct leak_block block = { .address = 0x1000, .size_bytes = 8 };
	static uint64_t words[2000];
	struct pointer_log log;

	(void)state;
	for (size_t i = 0; i < 2000; i++)
		words[i] = 0x1000;
	assert_int_equal(pointer_log__init(&log, &block, 1, NULL, 0), 0);
	assert_int_equal(log.max, POINTER_LOG_MAX);
	log.nr = POINTER_LOG_MAX - 2000;
	assert_int_equal(pointer_log__words(&log, 0, words, 2000), 0);
	assert_int_equal(pointer_log__word(&log, 0, 0x1000), -E2BIG);
	assert_int_equal(log.nr, POINTER_LOG_MAX);
	pointer_log__free(&log);
}

static void test_without_memory(void **state)
{
	struct pointer_log log;

	(void)state;
	failing_alloc__after(0);
	assert_int_equal(pointer_log__init(&log, NULL, 0, NULL, 0), -ENOMEM);
	failing_alloc__never();
	pointer_log__free(&log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_pointer_is_noted),
		cmocka_unit_test(test_few_others_are_noted),
		cmocka_unit_test(test_ranges_count_as_blocks),
		cmocka_unit_test(test_huge_blocks),
		cmocka_unit_test(test_room_ends),
		cmocka_unit_test(test_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
