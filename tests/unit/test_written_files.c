// SPDX-License-Identifier: GPL-2.0
/* Which file systems are watched for new files. The watching itself: tests/system/test_new_files.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "written_files.h"

static void test_local_file_systems(void **state)
{
	(void)state;
	assert_true(written_files__are_watched_on("ext4", "/"));
	assert_true(written_files__are_watched_on("xfs", "/home"));
	assert_true(written_files__are_watched_on("tmpfs", "/dev/shm"));
	assert_true(written_files__are_watched_on("btrfs", "/var/lib/docker"));
}

/* An open of a file there may hang, or has no meaning. */
static void test_others(void **state)
{
	(void)state;
	assert_false(written_files__are_watched_on("nfs4", "/home"));
	assert_false(written_files__are_watched_on("cifs", "/home"));
	assert_false(written_files__are_watched_on("fuse.sshfs", "/home"));
	assert_false(written_files__are_watched_on("9p", "/"));
	assert_false(written_files__are_watched_on("proc", "/proc"));
	assert_false(written_files__are_watched_on("", "/"));
	assert_false(written_files__are_watched_on("ext", "/"));
	assert_false(written_files__are_watched_on("ext4x", "/"));
}

/* Nobody who takes a disk out shall find it busy. */
static void test_removable_disks(void **state)
{
	(void)state;
	assert_false(written_files__are_watched_on("ext4", "/mnt"));
	assert_false(written_files__are_watched_on("ext4", "/mnt/disk"));
	assert_false(written_files__are_watched_on("ext4", "/media/user/stick"));
	assert_false(written_files__are_watched_on("ext4", "/run/media/user/stick"));
	assert_true(written_files__are_watched_on("ext4", "/mntx"));
	assert_true(written_files__are_watched_on("tmpfs", "/run"));
	assert_true(written_files__are_watched_on("ext4", "/home/mnt"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_local_file_systems),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_removable_disks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
