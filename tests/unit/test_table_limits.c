// SPDX-License-Identifier: GPL-2.0
/* The limits that tests may lower. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/table_limits.h"

static void test_usual(void **state)
{
	(void)state;
	unsetenv("MEMLEAK_BPF_TEST_LIMITS");
	assert_int_equal(table_limits__of("ended", 8192), 8192);
}

static void test_given(void **state)
{
	(void)state;
	setenv("MEMLEAK_BPF_TEST_LIMITS", "late_ends=7,ended=64,spaces=256", 1);
	assert_int_equal(table_limits__of("ended", 8192), 64);
	assert_int_equal(table_limits__of("late_ends", 8192), 7);
	assert_int_equal(table_limits__of("spaces", 8192), 256);
	assert_int_equal(table_limits__of("ends", 8192), 8192);
	assert_int_equal(table_limits__of("end", 8192), 8192);
}

static void test_nonsense(void **state)
{
	(void)state;
	setenv("MEMLEAK_BPF_TEST_LIMITS", ",,ended,ended=,ended", 1);
	assert_int_equal(table_limits__of("ended", 8192), 8192);
	setenv("MEMLEAK_BPF_TEST_LIMITS", "", 1);
	assert_int_equal(table_limits__of("ended", 8192), 8192);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_usual),
		cmocka_unit_test(test_given),
		cmocka_unit_test(test_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
