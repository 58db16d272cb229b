// SPDX-License-Identifier: GPL-2.0
/* How a user names a file of code. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "allocators/object_name.h"

static void test_names(void **state)
{
	(void)state;
	assert_true(object_name__fits("libpool.so", "/usr/lib/libpool.so", -1));
	assert_true(object_name__fits("libpool.so", "libpool.so.1", -1));
	assert_true(object_name__fits("libpool.so", "/usr/lib/libpool.so.1.2.3", -1));
	assert_true(object_name__fits("libpool.so.1", "/usr/lib/libpool.so.1.2.3", -1));
	assert_false(object_name__fits("libpool.so.1", "/usr/lib/libpool.so.11", -1));
	assert_false(object_name__fits("libpool.so.1", "/usr/lib/libpool.so", -1));
	assert_false(object_name__fits("libpool.so", "/usr/lib/libpool.so.old", -1));
	assert_false(object_name__fits("libpool.so", "/usr/lib/libpool.so1", -1));
	assert_false(object_name__fits("libpool.so", "/usr/lib/mylibpool.so", -1));
	assert_false(object_name__fits("libpool.so", "/usr/lib/libpool.so/other", -1));
	assert_false(object_name__fits("libpool.so", "", -1));
}

static void test_paths(void **state)
{
	int fd = open("/bin/sh", O_RDONLY | O_CLOEXEC);
	(void)state;

	assert_true(fd >= 0);
	assert_true(object_name__fits("/opt/libpool.so", "/opt/libpool.so", -1));
	assert_false(object_name__fits("/opt/libpool.so", "/opt/libpool.so.1", -1));
	assert_false(object_name__fits("/opt/libpool.so", "/home/opt/libpool.so", -1));
	/* Another way to the same file. */
	assert_true(object_name__fits("/bin/../bin/sh", "/usr/bin/dash", fd));
	assert_false(object_name__fits("/bin/ls", "/usr/bin/dash", fd));
	assert_false(object_name__fits("/bin/none", "/usr/bin/dash", fd));
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_paths),
	};

	return cmocka_run_group_tests_name("object_name", tests, NULL, NULL);
}
