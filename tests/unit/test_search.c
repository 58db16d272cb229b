// SPDX-License-Identifier: GPL-2.0
/* Searches of sorted arrays, also empty ones and such with equal keys, against a count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/search.h"

struct item {
	uint64_t key;
};

static size_t nr_below(const struct item *items, size_t nr, uint64_t key)
{
	return search__nr_before(nr, at, items[at].key < key);
}

static size_t nr_up_to(const struct item *items, size_t nr, uint64_t key)
{
	return search__nr_before(nr, at, items[at].key <= key);
}

static void test_an_empty_array(void **state)
{
	(void)state;
	assert_int_equal(nr_below(NULL, 0, 5), 0);
	assert_int_equal(nr_up_to(NULL, 0, 5), 0);
}

static void test_one_item(void **state)
{
	const struct item one = { 5 };

	(void)state;
	assert_int_equal(nr_below(&one, 1, 4), 0);
	assert_int_equal(nr_up_to(&one, 1, 4), 0);
	assert_int_equal(nr_below(&one, 1, 5), 0);
	assert_int_equal(nr_up_to(&one, 1, 5), 1);
	assert_int_equal(nr_below(&one, 1, 6), 1);
	assert_int_equal(nr_up_to(&one, 1, 6), 1);
}

static void test_equal_keys_and_both_ends(void **state)
{
	const struct item items[] = { { 0 }, { 2 }, { 2 }, { 2 }, { 7 }, { UINT64_MAX } };

	(void)state;
	assert_int_equal(nr_below(items, 6, 0), 0);
	assert_int_equal(nr_up_to(items, 6, 0), 1);
	assert_int_equal(nr_below(items, 6, 2), 1);
	assert_int_equal(nr_up_to(items, 6, 2), 4);
	assert_int_equal(nr_below(items, 6, UINT64_MAX), 5);
	assert_int_equal(nr_up_to(items, 6, UINT64_MAX), 6);
}

/* Every length up to 40, with every key that is below, in, between or above the items. */
static void test_against_a_count(void **state)
{
	struct item items[40];

	(void)state;
	for (size_t i = 0; i < 40; i++)
		items[i].key = 10 + 2 * (i / 3 + i / 5);
	for (size_t nr = 0; nr <= 40; nr++)
		for (uint64_t key = 8; key < 60; key++) {
			size_t below = 0, up_to = 0;

			for (size_t i = 0; i < nr; i++) {
				below += items[i].key < key;
				up_to += items[i].key <= key;
			}
			assert_int_equal(nr_below(items, nr, key), below);
			assert_int_equal(nr_up_to(items, nr, key), up_to);
		}
}

/* The number is evaluated once; the search looks at few items, each inside the array. */
static void test_how_many_looks(void **state)
{
	size_t evaluated = 0, looks = 0, found;

	(void)state;
	found = search__nr_before((evaluated++, (size_t)1000000), at,
				  (looks++, assert_true(at < 1000000), at < 999999));
	assert_int_equal(found, 999999);
	assert_int_equal(evaluated, 1);
	assert_true(looks <= 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_empty_array),
		cmocka_unit_test(test_one_item),
		cmocka_unit_test(test_equal_keys_and_both_ends),
		cmocka_unit_test(test_against_a_count),
		cmocka_unit_test(test_how_many_looks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
