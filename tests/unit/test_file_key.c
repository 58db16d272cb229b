// SPDX-License-Identifier: GPL-2.0
/* File keys: which are one file, and the device in the kernel's form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file_key.h"

static void test_numbers(void **state)
{
	const struct file_key key = { .inode = 5, .generation = 1, .dev_major = 8, .dev_minor = 2 };
	struct file_key other = key;

	(void)state;
	assert_true(file_key__same_numbers(&key, &other));
	other.generation = 2;
	assert_true(file_key__same_numbers(&key, &other));
	other.inode = 6;
	assert_false(file_key__same_numbers(&key, &other));
	other = (struct file_key){ .inode = 5, .generation = 1, .dev_major = 9, .dev_minor = 2 };
	assert_false(file_key__same_numbers(&key, &other));
	other = (struct file_key){ .inode = 5, .generation = 1, .dev_major = 8, .dev_minor = 3 };
	assert_false(file_key__same_numbers(&key, &other));
	assert_false(file_key__agrees(&key, &other));
}

static void test_generations(void **state)
{
	struct file_key known = { .inode = 5, .generation = 1 }, other = known;
	struct file_key unknown = { .inode = 5 };

	(void)state;
	assert_true(file_key__agrees(&known, &other));
	assert_true(file_key__agrees(&known, &unknown));
	assert_true(file_key__agrees(&unknown, &known));
	assert_true(file_key__agrees(&unknown, &unknown));
	other.generation = 2;
	assert_false(file_key__agrees(&known, &other));
}

/* 20 bits of the kernel's dev_t are the minor number; stat's dev_t is laid out otherwise. */
static void test_devices(void **state)
{
	struct stat status = { .st_dev = makedev(0x103, 0xffffe), .st_ino = 1ULL << 32 };
	struct file_key by_stat = file_key__of_stat(&status);
	struct file_key by_device = file_key__of_device(0x103ffffe, 1ULL << 32);

	(void)state;
	assert_int_equal(by_stat.dev_major, 0x103);
	assert_int_equal(by_stat.dev_minor, 0xffffe);
	assert_true(by_stat.inode == 1ULL << 32);
	assert_true(file_key__same_numbers(&by_stat, &by_device));
	assert_int_equal(by_stat.generation, 0);
	assert_int_equal(by_device.generation, 0);
	assert_int_equal(file_key__device(&by_stat), 0x103ffffe);
}

/* Inode numbers in a row must not begin at one slot. */
static void test_slots(void **state)
{
	unsigned int taken[64] = { 0 };

	(void)state;
	for (uint64_t inode = 1000; inode < 1064; inode++) {
		assert_true(file_key__slot(inode, 64) < 64);
		assert_true(++taken[file_key__slot(inode, 64)] <= 4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_generations),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_slots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
