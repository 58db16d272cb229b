// SPDX-License-Identifier: GPL-2.0
/* When a process may be held, and when it must go on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "probes/hold_rules.h"

#define NOW_NS 5000000000ULL

static void test_nobody_is_held_unanswered(void **state)
{
	struct hold_control control = { .tracer_ns = NOW_NS };

	(void)state;
	assert_false(hold_rules__may_hold(&control, NOW_NS)); /* not ready yet */
	control.wanted = 1;
	assert_true(hold_rules__may_hold(&control, NOW_NS));
	assert_true(hold_rules__may_hold(&control, NOW_NS + HOLD_ANSWER_NS - 1));
	assert_false(hold_rules__may_hold(&control, NOW_NS + HOLD_ANSWER_NS));
	/* The keeper read its clock first. */
	assert_true(hold_rules__may_hold(&control, NOW_NS - 1));
}

static void test_a_hold_ends(void **state)
{
	const struct held held = { .from_ns = NOW_NS };

	(void)state;
	assert_false(hold_rules__is_over(&held, NOW_NS, false));
	assert_false(hold_rules__is_over(&held, NOW_NS - 1, false));
	assert_false(hold_rules__is_over(&held, NOW_NS + HOLD_BOUND_NS - 1, false));
	assert_true(hold_rules__is_over(&held, NOW_NS + HOLD_BOUND_NS, false));
	assert_true(hold_rules__is_over(&held, NOW_NS, true));
}

static void test_a_parent_that_stopped(void **state)
{
	struct hold_parent parent = { .until_ns = NOW_NS + 10 };

	(void)state;
	assert_false(hold_rules__parent_waits(&parent, NOW_NS, false));
	parent.stopped_ns = NOW_NS - 10;
	assert_true(hold_rules__parent_waits(&parent, NOW_NS, false));
	assert_false(hold_rules__parent_waits(&parent, NOW_NS, true));
	/* It did not stop for that child's sake. */
	assert_false(hold_rules__parent_waits(&parent, NOW_NS + 10, false));
	assert_false(hold_rules__parent_is_old(&parent, NOW_NS + 10));
	assert_true(hold_rules__parent_is_old(&parent, NOW_NS + 10 + HOLD_PARENT_KEPT_NS));
}

static void test_a_mute_keeper(void **state)
{
	const struct hold_control control = { .keeper_ns = NOW_NS };

	(void)state;
	assert_false(hold_rules__keeper_is_mute(&control, NOW_NS + HOLD_MUTE_NS - 1));
	assert_true(hold_rules__keeper_is_mute(&control, NOW_NS + HOLD_MUTE_NS));
}

static void test_files_with_shared_numbers(void **state)
{
	struct file_identity identity = { .address = 0xffff8880, .filesystem = 0xef53 };
	struct hold_file file;

	(void)state;
	identity.key = (struct unwind_file_key){ .inode = 2, .device = 3, .generation = 4 };
	file = hold_file_of(&identity);
	assert_int_equal(file.inode, 2);
	assert_int_equal(file.device, 3);
	assert_int_equal(file.generation, 4);
	assert_int_equal(file.address, 0);
	/* Snapshots share them, and some file systems have no generations. */
	identity.filesystem = HOLD_BTRFS_MAGIC;
	assert_int_equal(hold_file_of(&identity).address, identity.address);
	identity.filesystem = 0xef53;
	identity.key.generation = 0;
	assert_int_equal(hold_file_of(&identity).address, identity.address);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody_is_held_unanswered),
		cmocka_unit_test(test_a_hold_ends),
		cmocka_unit_test(test_a_parent_that_stopped),
		cmocka_unit_test(test_a_mute_keeper),
		cmocka_unit_test(test_files_with_shared_numbers),
	};

	return cmocka_run_group_tests_name("hold_rules", tests, NULL, NULL);
}
