// SPDX-License-Identifier: GPL-2.0
/* The clocks: their units, and how they go to each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

#define PAUSE_NS 20000000

/* A thread that sleeps uses no processor time. */
static void test_time_that_passes(void **state)
{
	uint64_t began_ns = clock__monotonic_ns(), began_cpu_ns = clock__thread_cpu_ns();

	(void)state;
	nanosleep(&(struct timespec){ .tv_nsec = PAUSE_NS }, NULL);
	assert_true(clock__monotonic_ns() - began_ns >= PAUSE_NS);
	assert_in_range(clock__thread_cpu_ns() - began_cpu_ns, 1, PAUSE_NS - 1);
}

static void test_boot_time_includes_sleep(void **state)
{
	uint64_t monotonic_ns = clock__monotonic_ns();

	(void)state;
	assert_true(clock__boot_ns() >= monotonic_ns);
}

/* Each reading lies between two of time(2), which may show the second before for one tick. */
static void test_wall_time(void **state)
{
	uint64_t before_s = (uint64_t)time(NULL);
	uint64_t now_s = clock__wall_ns() / NS_PER_S;
	uint64_t after_s = (uint64_t)time(NULL);

	(void)state;
	assert_in_range(now_s, before_s, after_s + 1);
}

/* The clocks are read one after the other, so the result lies between what they showed around it. */
static void test_wall_time_of_the_past(void **state)
{
	uint64_t wall_ns = clock__wall_ns(), monotonic_ns = clock__monotonic_ns();
	uint64_t past_ns = clock__wall_of_monotonic_ns(monotonic_ns - 5 * NS_PER_S);
	uint64_t passed_ns = clock__monotonic_ns() - monotonic_ns;

	(void)state;
	assert_in_range(past_ns, wall_ns - 5 * NS_PER_S - passed_ns,
			clock__wall_ns() - 5 * NS_PER_S);
}

static void test_timespec(void **state)
{
	struct timespec time = clock__timespec(3 * NS_PER_S + 999999999);

	(void)state;
	assert_int_equal(time.tv_sec, 3);
	assert_int_equal(time.tv_nsec, 999999999);
	time = clock__timespec(4 * NS_PER_S);
	assert_int_equal(time.tv_sec, 4);
	assert_int_equal(time.tv_nsec, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time_that_passes),
		cmocka_unit_test(test_boot_time_includes_sleep),
		cmocka_unit_test(test_wall_time),
		cmocka_unit_test(test_wall_time_of_the_past),
		cmocka_unit_test(test_timespec),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
