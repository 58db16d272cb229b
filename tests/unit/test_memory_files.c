// SPDX-License-Identifier: GPL-2.0
/* memory_files.h, on this machine: files in /dev/shm, memfds, and files that are no memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above before it. */
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "failing_alloc.h"
#include "stays/memory_files.h"

#define TMPFS_MAGIC 0x01021994
#define KIB 1024

static char folder[] = "/dev/shm/memleak-unit.XXXXXX";

static int make_folder(void **state)
{
	struct statfs status;

	(void)state;
	if (statfs("/dev/shm", &status) || status.f_type != TMPFS_MAGIC || !mkdtemp(folder))
		folder[0] = '\0';
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	return folder[0] ? rmdir(folder) : 0;
}

static const char *in_folder(const char *name)
{
	static char paths[8][128];
	static unsigned int next;
	char *path = paths[next++ % 8];

	if (!folder[0])
		skip();
	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

/* The kernel's record of a mapping of that file under that path. */
static struct mapping mapping_of(int fd, const char *path)
{
	struct mapping map = { .path = (char *)path };
	struct stat status;

	assert_int_equal(fstat(fd, &status), 0);
	map.file = file_key__of_stat(&status);
	return map;
}

static struct shared_object make_file(const char *path)
{
	char bytes[64 * KIB] = { 1 };
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct shared_object object;
	struct mapping map;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
	map = mapping_of(fd, path);
	close(fd);
	assert_int_equal(shared_memory__classify(&map, FILESYSTEM_TMPFS, &object), 0);
	return object;
}

static void check_found(struct memory_files *files, const struct shared_object *object,
			const char *path)
{
	struct memory_file file;

	assert_int_equal(memory_files__find(files, object, &file), 0);
	assert_string_equal(file.path, path);
	assert_int_equal(file.bytes, 64 * KIB);
}

static void test_a_file_and_its_other_names(void **state)
{
	const char *first = in_folder("first"), *second = in_folder("second");
	struct memory_files *files = memory_files__new();
	struct shared_object object = make_file(first);
	struct memory_file file;

	(void)state;
	check_found(files, &object, first);
	assert_int_equal(rename(first, second), 0);
	check_found(files, &object, second);
	/* Another file has its name now. */
	free(make_file(first).name);
	check_found(files, &object, second);
	unlink(first);
	/* A container may see the file system elsewhere. */
	free(object.name);
	object.name = strdup("/srv/memory/memleak-unit.x/second");
	assert_int_equal(memory_files__find(files, &object, &file), -ENOENT);
	unlink(second);
	assert_int_equal(memory_files__find(files, &object, &file), -ENOENT);
	free(object.name);
	memory_files__free(files);
}

static void test_a_file_seen_at_another_place(void **state)
{
	const char *path = in_folder("file");
	struct memory_files *files = memory_files__new();
	struct shared_object object = make_file(path);
	char *elsewhere;

	(void)state;
	assert_true(asprintf(&elsewhere, "/srv//memory%s", path + strlen("/dev/shm")) > 0);
	free(object.name);
	object.name = elsewhere;
	check_found(files, &object, path);
	unlink(path);
	free(object.name);
	memory_files__free(files);
}

/* Links in a path are someone else's: they are not followed. */
static void test_links_are_not_followed(void **state)
{
	const char *sub = in_folder("sub"), *target = in_folder("sub/target");
	const char *link = in_folder("link");
	struct memory_files *files = memory_files__new();
	struct memory_file file;
	struct shared_object object;

	(void)state;
	assert_int_equal(mkdir(sub, 0700), 0);
	assert_int_equal(symlink("sub", link), 0);
	object = make_file(target);
	check_found(files, &object, target);
	free(object.name);
	object.name = strdup(in_folder("link/target"));
	assert_int_equal(memory_files__find(files, &object, &file), -ENOENT);
	unlink(target);
	unlink(link);
	rmdir(sub);
	free(object.name);
	memory_files__free(files);
}

static void test_paths_that_lead_nowhere(void **state)
{
	static const char *const paths[] = { "", "/", "//", "x", "/..", "/../../etc/passwd", "/a/" };
	struct memory_files *files = memory_files__new();
	struct shared_object object = make_file(in_folder("file"));
	struct memory_file file;

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		free(object.name);
		object.name = strdup(paths[i]);
		assert_int_equal(memory_files__find(files, &object, &file), -ENOENT);
	}
	object.file.dev_minor = 0xfffff;
	assert_int_equal(memory_files__find(files, &object, &file), -EXDEV);
	unlink(in_folder("file"));
	free(object.name);
	memory_files__free(files);
}

/* A user's folder may be full: the search through it for each of many files ends after a while. */
static void test_full_folders_are_not_looked_through_for_ever(void **state)
{
	enum { NR_ENTRIES = 5000, MANY = 20000 };
	const char *kept = in_folder("kept"), *gone = in_folder("gone");
	struct memory_files *files = memory_files__new();
	struct shared_object kept_object = make_file(kept), gone_object = make_file(gone);
	struct memory_file file;
	char name[128];
	int err = -ENOENT;

	(void)state;
	unlink(gone);
	for (int i = 0; i < NR_ENTRIES; i++) {
		snprintf(name, sizeof(name), "%s/%d", folder, i);
		assert_int_equal(mknod(name, S_IFREG | 0600, 0), 0);
	}
	for (int i = 0; i < MANY && err == -ENOENT; i++)
		err = memory_files__find(files, &gone_object, &file);
	assert_int_equal(err, -EAGAIN);
	/* A file that is still in its place needs no search. */
	check_found(files, &kept_object, kept);
	for (int i = 0; i < NR_ENTRIES; i++) {
		snprintf(name, sizeof(name), "%s/%d", folder, i);
		unlink(name);
	}
	unlink(kept);
	free(kept_object.name);
	free(gone_object.name);
	memory_files__free(files);
}

static void test_file_systems(void **state)
{
	struct memory_files *files = memory_files__new();
	int fd = memfd_create("x", MFD_CLOEXEC), program = open("/proc/self/exe", O_RDONLY);
	struct mapping map = mapping_of(fd, "/memfd:x (deleted)");
	struct shared_object object;

	(void)state;
	assert_int_equal(memory_files__filesystem(files, getpid(), &map), FILESYSTEM_KERNEL_TMPFS);
	map = mapping_of(program, "/bin/x");
	assert_int_equal(memory_files__filesystem(files, getpid(), &map), FILESYSTEM_OTHER);
	close(fd);
	close(program);
	/* The device is not known any more; only the path is left. */
	map = (struct mapping){ .file = { .dev_minor = 0xffffe, .inode = 1 },
				.path = "/dev/shm/x" };
	assert_int_equal(memory_files__filesystem(files, 0x7ffffffe, &map), FILESYSTEM_TMPFS);
	map = (struct mapping){ .file = { .dev_minor = 0xffffd, .inode = 1 }, .path = "/tmp/x" };
	assert_int_equal(memory_files__filesystem(files, 0x7ffffffe, &map), FILESYSTEM_OTHER);
	map = (struct mapping){ .path = "" };
	assert_int_equal(memory_files__filesystem(files, getpid(), &map), FILESYSTEM_OTHER);
	object = make_file(in_folder("file"));
	map = (struct mapping){ .file = object.file, .path = object.name };
	assert_int_equal(memory_files__filesystem(files, getpid(), &map), FILESYSTEM_TMPFS);
	unlink(in_folder("file"));
	free(object.name);
	memory_files__free(files);
}

static void test_out_of_memory(void **state)
{
	(void)state;
	failing_alloc__after(0);
	assert_null(memory_files__new());
	failing_alloc__never();
	memory_files__free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_file_and_its_other_names),
		cmocka_unit_test(test_a_file_seen_at_another_place),
		cmocka_unit_test(test_links_are_not_followed),
		cmocka_unit_test(test_paths_that_lead_nowhere),
		cmocka_unit_test(test_full_folders_are_not_looked_through_for_ever),
		cmocka_unit_test(test_file_systems),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
