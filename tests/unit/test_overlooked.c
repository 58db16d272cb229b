// SPDX-License-Identifier: GPL-2.0
/* The reasons why it is not known whether a process has an allocator. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "processes/overlooked.h"

static void check(uint64_t inode, int look_error, const char *expected)
{
	struct mapping_set *set = mapping_set__new();
	struct mapping map = { .start = 0x1000, .end = 0x2000, .file.inode = 1, .path = "/one" };
	const char *why;

	assert_int_equal(mapping_set__add(set, &map), 0);
	map = (struct mapping){
		.start = 0x3000,
		.end = 0x4000,
		.file.inode = inode,
		.look_error = look_error,
		.path = "/two",
	};
	assert_int_equal(mapping_set__add(set, &map), 0);
	why = overlooked__why(set);
	if (expected)
		assert_string_equal(why, expected);
	else
		assert_null(why);
	mapping_set__free(set);
}

static void test_reasons(void **state)
{
	(void)state;
	check(2, 0, NULL);
	check(2, -ENOEXEC, "a 32-bit program");
	check(2, -EACCES, "its file may not be read by memleak-bpf");
	check(2, -ENOENT, "it was gone before its file could be opened");
	check(2, -ESTALE, "it was gone before its file could be opened");
	check(2, -ETIMEDOUT, "its file system does not answer");
	check(2, -EMFILE, "Too many open files");
	/* A device, and no file at all. */
	check(2, -EINVAL, NULL);
	check(0, -ENOENT, NULL);
}

static void test_nothing_was_seen(void **state)
{
	struct mapping_set *set = mapping_set__new();

	(void)state;
	assert_string_equal(overlooked__why(NULL), "what it mapped was not seen");
	assert_string_equal(overlooked__why(set), "what it mapped was not seen");
	mapping_set__free(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_nothing_was_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
