// SPDX-License-Identifier: GPL-2.0
/* An index of an array: what is there is found, however it grows, and no other. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hash_index.h"
#include "failing_alloc.h"

#define NR_NUMBERS 5000

struct numbers {
	uint64_t list[NR_NUMBERS];
	uint64_t (*hash)(uint64_t number);
};

static uint64_t mixed(uint64_t number)
{
	return hash_index__mix(0, number);
}

/* All meet in one slot. */
static uint64_t equal(uint64_t number)
{
	(void)number;
	return 7;
}

static uint64_t hash(const void *context, size_t entry)
{
	const struct numbers *numbers = context;

	return numbers->hash(numbers->list[entry]);
}

static bool is_equal(const void *context, size_t entry, const void *key)
{
	return ((const struct numbers *)context)->list[entry] == *(const uint64_t *)key;
}

static uint32_t *slot_of(const struct hash_index *index, const struct numbers *numbers,
			 uint64_t number)
{
	return hash_index__slot(index, numbers, numbers->hash(number), &number);
}

static void fill_and_find(uint64_t (*hash_number)(uint64_t number), size_t nr)
{
	static struct numbers numbers;
	struct hash_index index = { .hash = hash, .is_equal = is_equal };

	numbers.hash = hash_number;
	for (size_t i = 0; i < nr; i++) {
		uint32_t *slot;

		assert_int_equal(hash_index__reserve(&index, &numbers, i), 0);
		slot = slot_of(&index, &numbers, 3 * i);
		assert_int_equal(*slot, 0);
		numbers.list[i] = 3 * i;
		*slot = (uint32_t)i + 1;
	}
	for (size_t i = 0; i < nr; i++) {
		assert_int_equal(*slot_of(&index, &numbers, 3 * i), i + 1);
		assert_int_equal(*slot_of(&index, &numbers, 3 * i + 1), 0);
	}
	hash_index__clear(&index);
	assert_null(index.slots);
}

static void test_many(void **state)
{
	(void)state;
	fill_and_find(mixed, NR_NUMBERS);
}

static void test_equal_hashes(void **state)
{
	(void)state;
	fill_and_find(equal, 600);
}

static void test_no_memory(void **state)
{
	static struct numbers numbers = { .hash = mixed };
	struct hash_index index = { .hash = hash, .is_equal = is_equal };
	uint64_t number = 0;
	(void)state;

	failing_alloc__after(0);
	assert_int_equal(hash_index__reserve(&index, &numbers, 0), -ENOMEM);
	failing_alloc__never();
	assert_int_equal(hash_index__reserve(&index, &numbers, 0), 0);
	*slot_of(&index, &numbers, number) = 1;
	failing_alloc__after(0);
	/* There is room as it is; beyond that, what was there stays. */
	assert_int_equal(hash_index__reserve(&index, &numbers, 1), 0);
	assert_int_equal(hash_index__reserve(&index, &numbers, index.nr_slots), -ENOMEM);
	failing_alloc__never();
	assert_int_equal(*slot_of(&index, &numbers, number), 1);
	hash_index__clear(&index);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_equal_hashes),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
