// SPDX-License-Identifier: GPL-2.0
/* Files by device and inode: a file that was put in is found, and no other is. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "failing_alloc.h"
#include "base/file_set.h"

static int add(struct file_set *set, uint32_t dev_major, uint32_t dev_minor, uint64_t inode)
{
	struct file_key key = { .dev_major = dev_major, .dev_minor = dev_minor, .inode = inode };

	return file_set__add(set, &key);
}

static bool has(const struct file_set *set, uint32_t dev_major, uint32_t dev_minor, uint64_t inode)
{
	struct file_key key = { .dev_major = dev_major, .dev_minor = dev_minor, .inode = inode };

	return file_set__has(set, &key);
}

static void test_device_and_inode_count(void **state)
{
	struct file_set *set = file_set__new();

	(void)state;
	assert_false(has(set, 8, 1, 5));
	assert_int_equal(add(set, 8, 1, 5), 0);
	assert_int_equal(add(set, 8, 1, 5), 0);
	assert_true(has(set, 8, 1, 5));
	assert_false(has(set, 8, 2, 5));
	assert_false(has(set, 9, 1, 5));
	assert_false(has(set, 8, 1, 6));
	file_set__free(set);
	file_set__free(NULL);
}

static void test_keys_without_a_file_are_ignored(void **state)
{
	struct file_set *set = file_set__new();

	(void)state;
	assert_int_equal(add(set, 0, 0, 0), 0);
	assert_false(has(set, 0, 0, 0));
	file_set__free(set);
}

static void test_many(void **state)
{
	struct file_set *set = file_set__new();

	(void)state;
	for (uint64_t i = 1; i <= 5000; i++)
		assert_int_equal(add(set, 8, (uint32_t)(i % 3), i * 7), 0);
	for (uint64_t i = 1; i <= 5000; i++) {
		assert_true(has(set, 8, (uint32_t)(i % 3), i * 7));
		assert_false(has(set, 8, (uint32_t)((i + 1) % 3), i * 7));
		assert_false(has(set, 8, (uint32_t)(i % 3), i * 7 + 1));
	}
	file_set__free(set);
}

static void test_out_of_memory(void **state)
{
	struct file_set *set = file_set__new();
	uint64_t nr = 0;

	(void)state;
	failing_alloc__after(0);
	assert_int_equal(add(set, 1, 1, 1), -ENOMEM);
	failing_alloc__after(1);
	while (!add(set, 1, 1, ++nr))
		;
	failing_alloc__never();
	/* The files in it stay in it, and there is room again. */
	for (uint64_t i = 1; i < nr; i++)
		assert_true(has(set, 1, 1, i));
	assert_int_equal(add(set, 1, 1, nr), 0);
	file_set__free(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_device_and_inode_count),
		cmocka_unit_test(test_keys_without_a_file_are_ignored),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
