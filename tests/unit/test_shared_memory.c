// SPDX-License-Identifier: GPL-2.0
/*
 * shared_memory.h: the kind of a mapping, by its file system and the kernel's name; the bounded
 * set.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above before it. */
#include <cmocka.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failing_alloc.h"
#include "stays/shared_memory.h"

static struct mapping mapping_of(uint64_t inode, const char *path)
{
	return (struct mapping){ .file.dev_minor = 1, .file.inode = inode, .path = (char *)path };
}

static void test_kinds(void **state)
{
	static const struct {
		enum memory_filesystem filesystem;
		const char *path;
		enum shared_kind kind;
		bool huge, had_no_name;
		uint32_t key;
		const char *name;
	} cases[] = {
		{ FILESYSTEM_KERNEL_TMPFS, "/SYSV0000002a (deleted)", SHARED_SYSV, false, false,
		  0x2a, "" },
		{ FILESYSTEM_KERNEL_TMPFS, "/SYSVdeadBEEF", SHARED_SYSV, false, false, 0xdeadbeef,
		  "" },
		{ FILESYSTEM_KERNEL_HUGETLBFS, "/SYSV00000000 (deleted)", SHARED_SYSV, true, false,
		  0, "" },
		{ FILESYSTEM_KERNEL_TMPFS, "/memfd:a (deleted) (deleted)", SHARED_MEMFD, false,
		  false, 0, "a (deleted)" },
		{ FILESYSTEM_KERNEL_TMPFS, "/memfd: (deleted)", SHARED_MEMFD, false, false, 0, "" },
		{ FILESYSTEM_KERNEL_HUGETLBFS, "/memfd:x (deleted)", SHARED_MEMFD, true, false, 0,
		  "x" },
		{ FILESYSTEM_KERNEL_TMPFS, "/dev/zero (deleted)", SHARED_ANONYMOUS, false, false, 0,
		  "" },
		{ FILESYSTEM_KERNEL_HUGETLBFS, "/anon_hugepage (deleted)", SHARED_ANONYMOUS, true,
		  false, 0, "" },
		{ FILESYSTEM_KERNEL_TMPFS, "/drm mm object (deleted)", SHARED_DRIVER, false, false,
		  0, "/drm mm object" },
		{ FILESYSTEM_KERNEL_TMPFS, "/SYSV0000002a-and-more", SHARED_DRIVER, false, false,
		  0x2a, "/SYSV0000002a-and-more" },
		{ FILESYSTEM_KERNEL_TMPFS, "", SHARED_DRIVER, false, false, 0, "" },
		{ FILESYSTEM_TMPFS, "/dev/shm/x", SHARED_FILE, false, false, 0, "/dev/shm/x" },
		{ FILESYSTEM_TMPFS, "/dev/shm/x (deleted)", SHARED_FILE, false, true, 0,
		  "/dev/shm/x" },
		{ FILESYSTEM_HUGETLBFS, "/mnt/h", SHARED_FILE, true, false, 0, "/mnt/h" },
		/* A program names its files as it likes. */
		{ FILESYSTEM_TMPFS, "/SYSV00000001", SHARED_FILE, false, false, 0,
		  "/SYSV00000001" },
		{ FILESYSTEM_TMPFS, "/memfd:x", SHARED_FILE, false, false, 0, "/memfd:x" },
		{ FILESYSTEM_TMPFS, " (deleted)", SHARED_FILE, false, false, 0, " (deleted)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mapping map = mapping_of(7, cases[i].path);
		struct shared_object object;

		assert_int_equal(shared_memory__classify(&map, cases[i].filesystem, &object), 0);
		if (object.kind != cases[i].kind || strcmp(object.name, cases[i].name))
			fail_msg("%s: kind %d, name '%s'", cases[i].path, object.kind, object.name);
		assert_int_equal(object.huge, cases[i].huge);
		assert_int_equal(object.had_no_name, cases[i].had_no_name);
		if (object.kind == SHARED_SYSV)
			assert_int_equal(object.key, cases[i].key);
		assert_int_equal(object.file.inode, 7);
		assert_int_equal(object.file.dev_minor, 1);
		free(object.name);
	}
}

static void test_no_shared_memory(void **state)
{
	struct mapping file = mapping_of(7, "/etc/passwd");
	struct shared_object object;

	(void)state;
	assert_int_equal(shared_memory__classify(&file, FILESYSTEM_OTHER, &object), -ENOENT);
}

/* The first segment that a machine ever makes. */
static void test_segment_0(void **state)
{
	struct mapping segment = mapping_of(0, "/SYSV00000001 (deleted)");
	struct shared_object object;

	(void)state;
	assert_int_equal(shared_memory__classify(&segment, FILESYSTEM_KERNEL_TMPFS, &object), 0);
	assert_int_equal(object.kind, SHARED_SYSV);
	assert_int_equal(object.file.inode, 0);
	free(object.name);
}

static void test_long_names_are_cut(void **state)
{
	char path[3 * PATH_MAX];
	struct mapping map = mapping_of(7, path);
	struct shared_object object;

	(void)state;
	memset(path, '/', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(shared_memory__classify(&map, FILESYSTEM_TMPFS, &object), 0);
	assert_int_equal(strlen(object.name), PATH_MAX - 1);
	free(object.name);
}

static int add(struct shared_memory *set, enum shared_kind kind, uint64_t inode)
{
	struct shared_object object = {
		.kind = kind, .file.dev_minor = 1, .file.inode = inode, .name = strdup("name")
	};

	return shared_memory__add(set, &object);
}

static void test_each_object_once(void **state)
{
	struct shared_memory *set = shared_memory__new();
	struct mapping memfd = mapping_of(5, "/memfd:x (deleted)");
	struct mapping segment = mapping_of(5, "/SYSV00000000 (deleted)");

	(void)state;
	assert_false(shared_memory__has(set, &memfd));
	assert_int_equal(add(set, SHARED_MEMFD, 5), 0);
	assert_int_equal(add(set, SHARED_MEMFD, 6), 0);
	assert_int_equal(add(set, SHARED_MEMFD, 5), 0);
	assert_int_equal(add(set, SHARED_MEMFD, 5), 0);
	assert_int_equal(shared_memory__nr(set), 2);
	assert_true(shared_memory__has(set, &memfd));
	/* The identifier of a segment may be the inode number of a memfd. */
	assert_false(shared_memory__has(set, &segment));
	assert_int_equal(add(set, SHARED_SYSV, 5), 0);
	assert_true(shared_memory__has(set, &segment));
	assert_int_equal(shared_memory__nr(set), 3);
	assert_int_equal(shared_memory__get(set, 2)->kind, SHARED_SYSV);
	memfd.file.dev_major = 8;
	assert_false(shared_memory__has(set, &memfd));
	assert_false(shared_memory__is_incomplete(set));
	shared_memory__free(set);
	assert_int_equal(shared_memory__nr(NULL), 0);
	assert_false(shared_memory__is_incomplete(NULL));
	shared_memory__free(NULL);
}

static void test_the_oldest_is_forgotten(void **state)
{
	struct shared_memory *set = shared_memory__new(), *clone;
	size_t nr;

	(void)state;
	for (uint64_t i = 1; !shared_memory__is_incomplete(set); i++)
		assert_int_equal(add(set, SHARED_MEMFD, i), 0);
	nr = shared_memory__nr(set);
	assert_true(nr >= 256 && nr <= 65536);
	for (size_t i = 0; i < nr; i++)
		assert_int_not_equal(shared_memory__get(set, i)->file.inode, 1);
	assert_int_equal(add(set, SHARED_MEMFD, nr + 2), 0);
	assert_int_equal(shared_memory__nr(set), nr);
	clone = shared_memory__clone(set);
	shared_memory__free(set);
	assert_int_equal(shared_memory__nr(clone), nr);
	assert_true(shared_memory__is_incomplete(clone));
	assert_int_equal(shared_memory__get(clone, 0)->file.inode, 3);
	assert_int_equal(shared_memory__get(clone, nr - 1)->file.inode, nr + 2);
	shared_memory__free(clone);
}

static void test_out_of_memory(void **state)
{
	struct shared_memory *set = shared_memory__new();
	struct mapping map = mapping_of(5, "/memfd:x (deleted)");
	struct shared_object object;

	(void)state;
	failing_alloc__after(0);
	assert_int_equal(shared_memory__classify(&map, FILESYSTEM_KERNEL_TMPFS, &object), -ENOMEM);
	failing_alloc__never();
	object = (struct shared_object){ .file.inode = 9, .name = strdup("name") };
	failing_alloc__after(0);
	assert_int_equal(shared_memory__add(set, &object), -ENOMEM);
	failing_alloc__never();
	assert_true(shared_memory__is_incomplete(set));
	assert_int_equal(add(set, SHARED_MEMFD, 1), 0);
	assert_int_equal(add(set, SHARED_MEMFD, 2), 0);
	for (long nr = 0; nr < 4; nr++) {
		struct shared_memory *clone;

		failing_alloc__after(nr);
		clone = shared_memory__clone(set);
		failing_alloc__never();
		assert_null(clone);
	}
	shared_memory__free(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_no_shared_memory),
		cmocka_unit_test(test_segment_0),
		cmocka_unit_test(test_long_names_are_cut),
		cmocka_unit_test(test_each_object_once),
		cmocka_unit_test(test_the_oldest_is_forgotten),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
