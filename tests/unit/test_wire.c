// SPDX-License-Identifier: GPL-2.0
/* The sums over the slots of CPUs, which the BPF side and the user side make alike. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bpf/wire.h"

static void test_slots_are_summed(void **state)
{
	struct living_space living = { .space = { .unrecorded_bytes = 7, .unrecorded_blocks = 1 } };
	(void)state;

	/*
	 * Blocks are allocated on each CPU and freed on two: one slot alone may be less than
	 * nothing.
	 */
	for (unsigned int i = 0; i < WIRE_SPACE_SLOTS; i++)
		living.slots[i] =
			(struct space_slot){ .allocated_bytes = 100, .allocated_blocks = 2 };
	living.slots[0].freed_bytes = 300;
	living.slots[0].freed_blocks = 6;
	living.slots[WIRE_SPACE_SLOTS - 1].freed_bytes = 50;
	living.slots[WIRE_SPACE_SLOTS - 1].freed_blocks = 1;
	wire_sum_space(&living);
	assert_int_equal(living.space.allocated_bytes, 800);
	assert_int_equal(living.space.allocated_blocks, 16);
	assert_int_equal(living.space.freed_bytes, 350);
	assert_int_equal(living.space.freed_blocks, 7);
	assert_int_equal(living.space.held_bytes, 443);
	assert_int_equal(living.space.held_blocks, 8);
}

static void test_a_free_that_is_read_before_its_allocation(void **state)
{
	struct living_space living = { .slots = { { .freed_bytes = 64, .freed_blocks = 1 } } };
	(void)state;

	wire_sum_space(&living);
	assert_int_equal(living.space.held_bytes, 0);
	assert_int_equal(living.space.held_blocks, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slots_are_summed),
		cmocka_unit_test(test_a_free_that_is_read_before_its_allocation),
	};

	return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
