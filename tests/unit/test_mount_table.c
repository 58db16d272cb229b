// SPDX-License-Identifier: GPL-2.0
/*
 * Texts of /proc/PID/mountinfo: the devices whose files are memory, and their mount points; hostile
 * texts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above before it. */
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "failing_alloc.h"
#include "stays/mount_table.h"

static const char host[] =
	"23 28 0:21 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n"
	"28 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
	"25 28 0:5 / /dev rw,nosuid shared:2 - devtmpfs udev rw,size=4k\n"
	"29 25 0:24 / /dev/shm rw,nosuid,nodev shared:3 master:9 - tmpfs tmpfs rw,inode64\n"
	"31 28 0:24 /sub /mnt/a\\040b\\134\\012 rw - tmpfs tmpfs rw\n"
	"32 28 0:30 / /mnt/huge rw - hugetlbfs none rw,pagesize=2M\n"
	"33 28 0:31 / /over rw - overlay overlay rw,lowerdir=/a\n";

static struct mount_table *read_text(const char *text)
{
	FILE *file = *text ? fmemopen((void *)text, strlen(text), "r") : fopen("/dev/null", "r");
	struct mount_table *table;

	assert_non_null(file);
	table = mount_table__read(file);
	fclose(file);
	return table;
}

static void check(const struct mount_table *table, uint32_t dev_major, uint32_t dev_minor,
		  enum memory_filesystem expected)
{
	enum memory_filesystem filesystem;

	assert_true(mount_table__filesystem(table, dev_major, dev_minor, &filesystem));
	assert_int_equal(filesystem, expected);
}

static void test_file_systems(void **state)
{
	struct mount_table *table = read_text(host);
	enum memory_filesystem filesystem;

	(void)state;
	check(table, 0, 21, FILESYSTEM_OTHER);
	check(table, 8, 1, FILESYSTEM_OTHER);
	check(table, 0, 5, FILESYSTEM_OTHER);
	check(table, 0, 24, FILESYSTEM_TMPFS);
	check(table, 0, 30, FILESYSTEM_HUGETLBFS);
	check(table, 0, 31, FILESYSTEM_OTHER);
	assert_false(mount_table__filesystem(table, 0, 99, &filesystem));
	assert_false(mount_table__filesystem(table, 1, 24, &filesystem));
	mount_table__free(table);
}

static void test_places(void **state)
{
	struct mount_table *table = read_text(host);

	(void)state;
	assert_string_equal(mount_table__point(table, 0, 24, 0), "/dev/shm");
	assert_string_equal(mount_table__point(table, 0, 24, 1), "/mnt/a b\\\n");
	assert_null(mount_table__point(table, 0, 24, 2));
	assert_string_equal(mount_table__point(table, 0, 30, 0), "/mnt/huge");
	assert_null(mount_table__point(table, 8, 1, 0));
	assert_null(mount_table__point(table, 0, 99, 0));
	mount_table__free(table);
}

static void test_broken_lines(void **state)
{
	static const char *const texts[] = {
		"",
		"\n\n",
		"29 25 0:24 / /dev/shm rw tmpfs tmpfs rw\n",
		"29 25 0:24 / /dev/shm rw -\n",
		"29 25 0:24 / /dev/shm rw - \n",
		"29 25 0:24\n",
		"29 25 0:24 / - tmpfs tmpfs rw\n",
		"29 25 024 / /dev/shm rw - tmpfs tmpfs rw\n",
		"29 25 x:24 / /dev/shm rw - tmpfs tmpfs rw\n",
		" - tmpfs tmpfs rw\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct mount_table *table = read_text(texts[i]);

		assert_non_null(table);
		if (mount_table__point(table, 0, 24, 0))
			fail_msg("taken: %s", texts[i]);
		mount_table__free(table);
	}
}

/* A name that looks like the end of the line is escaped by the kernel: it has no blanks. */
static void test_hostile_places(void **state)
{
	struct mount_table *table = read_text(
		"29 25 0:24 / /a\\040-\\040ext4 rw - tmpfs t rw\n30 25 0:25 / /b\\04 rw - tmpfs t rw");

	(void)state;
	check(table, 0, 24, FILESYSTEM_TMPFS);
	assert_string_equal(mount_table__point(table, 0, 24, 0), "/a - ext4");
	assert_string_equal(mount_table__point(table, 0, 25, 0), "/b\\04");
	mount_table__free(table);
}

static void test_out_of_memory(void **state)
{
	struct mount_table *table;
	long nr = 0;

	(void)state;
	do {
		failing_alloc__after(nr++);
		table = read_text(host);
		failing_alloc__never();
		if (!table)
			assert_int_equal(errno, ENOMEM);
	} while (!table && nr < 1000);
	assert_true(nr > 4);
	mount_table__free(table);
	mount_table__free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file_systems),  cmocka_unit_test(test_places),
		cmocka_unit_test(test_broken_lines),  cmocka_unit_test(test_hostile_places),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
