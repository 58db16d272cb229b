// SPDX-License-Identifier: GPL-2.0
/* Which mappings a hold was for, and how long a program was held back. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "failing_alloc.h"
#include "processes/image_holds.h"

static uint64_t unused_until(const struct image_holds *holds, uint64_t start, uint64_t since_ns)
{
	const struct mapping map = { .start = start, .end = start + 0x1000, .since_ns = since_ns };

	return image_holds__unused_until(holds, &map);
}

static void test_without_holds(void **state)
{
	const struct image_holds none = { 0 };

	(void)state;
	assert_int_equal(unused_until(&none, 0x1000, 50), 50);
	assert_int_equal(unused_until(&none, 0x1000, 0), 0);
	assert_int_equal(image_holds__sum_ns(&none, 0, 100), 0);
	assert_false(image_holds__has(&none, 0));
}

static void test_a_hold_at_exec(void **state)
{
	struct image_holds holds = { 0 };

	(void)state;
	assert_int_equal(image_holds__add(&holds, 100, 0), 0);
	assert_true(image_holds__has(&holds, 100));
	/* Not over yet. */
	assert_true(unused_until(&holds, 0x1000, 90) == UINT64_MAX);
	image_holds__end(&holds, 100, 130);
	/* The exec made it; it is older than the tracer; it came after the hold. */
	assert_int_equal(unused_until(&holds, 0x1000, 90), 130);
	assert_int_equal(unused_until(&holds, 0x1000, 0), 0);
	assert_int_equal(unused_until(&holds, 0x1000, 140), 140);
	image_holds__free(&holds);
}

static void test_a_hold_at_a_mapping(void **state)
{
	struct image_holds holds = { 0 };

	(void)state;
	assert_int_equal(image_holds__add(&holds, 100, 0x5800), 0);
	image_holds__end(&holds, 100, 130);
	assert_int_equal(unused_until(&holds, 0x5000, 90), 130);
	/* Other mappings were in use before; another one is there by now. */
	assert_int_equal(unused_until(&holds, 0x4000, 90), 90);
	assert_int_equal(unused_until(&holds, 0x6000, 90), 90);
	assert_int_equal(unused_until(&holds, 0x5000, 110), 110);
	image_holds__free(&holds);
}

static void test_the_sum(void **state)
{
	struct image_holds holds = { 0 }, copy = { 0 };

	(void)state;
	assert_int_equal(image_holds__add(&holds, 100, 0), 0);
	image_holds__end(&holds, 100, 130);
	assert_int_equal(image_holds__add(&holds, 200, 0x1000), 0);
	assert_int_equal(image_holds__sum_ns(&holds, 0, 250), 80);
	/* It ended before its hold was told of. */
	assert_int_equal(image_holds__sum_ns(&holds, 0, 150), 30);
	/* A copy has its parent's, and was not held itself. */
	image_holds__copy(&copy, &holds);
	assert_int_equal(image_holds__sum_ns(&copy, 150, 250), 50);
	assert_int_equal(image_holds__sum_ns(&copy, 210, 250), 0);
	image_holds__free(&copy);
	image_holds__free(&holds);
}

static void test_without_memory(void **state)
{
	struct image_holds holds = { 0 }, copy = { 0 };

	(void)state;
	failing_alloc__after(0);
	assert_int_equal(image_holds__add(&holds, 100, 0), -ENOMEM);
	failing_alloc__never();
	assert_int_equal(holds.nr, 0);
	assert_int_equal(image_holds__add(&holds, 100, 0), 0);
	failing_alloc__after(0);
	image_holds__copy(&copy, &holds);
	failing_alloc__never();
	assert_int_equal(copy.nr, 0);
	image_holds__free(&holds);
	image_holds__free(&copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_holds),	    cmocka_unit_test(test_a_hold_at_exec),
		cmocka_unit_test(test_a_hold_at_a_mapping), cmocka_unit_test(test_the_sum),
		cmocka_unit_test(test_without_memory),
	};

	return cmocka_run_group_tests_name("image_holds", tests, NULL, NULL);
}
