// SPDX-License-Identifier: GPL-2.0
/* An array grows by doubling, keeps its items, and stays as it is when it cannot grow. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/array.h"
#include "failing_alloc.h"

struct list {
	uint64_t *value;
	size_t nr, capacity;
};

static void test_items_stay_while_the_array_grows(void **state)
{
	size_t moves = 0, before = 0;
	struct list list = { 0 };

	(void)state;
	for (; list.nr < 1000; moves += list.capacity != before, before = list.capacity) {
		assert_int_equal(array__reserve(&list.value, &list.capacity, list.nr + 1), 0);
		assert_true(list.capacity > list.nr);
		list.value[list.nr] = list.nr;
		list.nr++;
	}
	for (size_t i = 0; i < list.nr; i++)
		assert_int_equal(list.value[i], i);
	/* 4, 8, ..., 1024: a capacity that is a power of two stays one */
	assert_int_equal(list.capacity, 1024);
	assert_int_equal(moves, 9);
	free(list.value);
}

static void test_room_that_is_there_is_not_allocated(void **state)
{
	struct list list = { 0 };

	(void)state;
	failing_alloc__after(0);
	assert_int_equal(array__reserve(&list.value, &list.capacity, 0), 0);
	failing_alloc__never();
	assert_null(list.value);
	assert_int_equal(array__reserve(&list.value, &list.capacity, 1), 0);
	assert_int_equal(list.capacity, ARRAY_MIN_CAPACITY);
	failing_alloc__after(0);
	assert_int_equal(array__reserve(&list.value, &list.capacity, ARRAY_MIN_CAPACITY), 0);
	failing_alloc__never();
	free(list.value);
}

static void test_many_more_than_twice(void **state)
{
	struct list list = { 0 };

	(void)state;
	assert_int_equal(array__reserve(&list.value, &list.capacity, 100), 0);
	assert_int_equal(list.capacity, 100);
	assert_int_equal(array__reserve(&list.value, &list.capacity, 101), 0);
	assert_int_equal(list.capacity, 200);
	list.value[199] = 1;
	free(list.value);
}

static void test_nothing_changes_without_memory(void **state)
{
	struct list list = { 0 };
	uint64_t *before;

	(void)state;
	assert_int_equal(array__reserve(&list.value, &list.capacity, 4), 0);
	list.value[3] = 3;
	before = list.value;
	failing_alloc__after(0);
	assert_int_equal(array__reserve(&list.value, &list.capacity, 5), -ENOMEM);
	failing_alloc__never();
	assert_ptr_equal(list.value, before);
	assert_int_equal(list.capacity, 4);
	assert_int_equal(list.value[3], 3);
	free(list.value);
}

/* The bytes asked for would wrap to a small number, and the allocation would succeed. */
static void test_a_size_that_wraps_is_refused(void **state)
{
	struct list list = { 0 };
	size_t half_full = SIZE_MAX / 2 + 2;

	(void)state;
	assert_int_equal(array__reserve(&list.value, &list.capacity, SIZE_MAX / 8 + 2), -ENOMEM);
	assert_int_equal(array__reserve_sized(&list.value, &list.capacity, 4, SIZE_MAX / 2),
			 -ENOMEM);
	assert_null(list.value);
	assert_int_equal(list.capacity, 0);
	/* twice the capacity wraps too */
	assert_int_equal(array__reserve(&list.value, &half_full, half_full + 1), -ENOMEM);
	assert_null(list.value);
}

static void test_items_whose_size_the_caller_knows(void **state)
{
	size_t capacity = 0;
	char *keys = NULL;

	(void)state;
	for (size_t i = 0; i < 100; i++) {
		assert_int_equal(array__reserve_sized(&keys, &capacity, i + 1, 24), 0);
		for (size_t byte = 0; byte < 24; byte++)
			keys[24 * i + byte] = (char)i;
	}
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(keys[24 * i + 23], i);
	free(keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_items_stay_while_the_array_grows),
		cmocka_unit_test(test_room_that_is_there_is_not_allocated),
		cmocka_unit_test(test_many_more_than_twice),
		cmocka_unit_test(test_nothing_changes_without_memory),
		cmocka_unit_test(test_a_size_that_wraps_is_refused),
		cmocka_unit_test(test_items_whose_size_the_caller_knows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
