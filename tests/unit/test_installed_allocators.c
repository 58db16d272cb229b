// SPDX-License-Identifier: GPL-2.0
/* The allocators in the usual places of a made-up root, among them bad files. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "allocators/installed_allocators.h"
#include "elf_fixture.h"
#include "failing_alloc.h"

static char *folder;

static int make_root(void **state)
{
	(void)state;
	folder = elf_fixture__folder();
	elf_fixture__text(folder, "pool.c",
			  "char pool[4096]; long at;\n"
			  "void *malloc(unsigned long n) { at += n; return pool + at; }\n"
			  "void free(void *p) { at += !p; }\n"
			  "void *pool_get(unsigned long n) { return malloc(n); }\n");
	elf_fixture__run(folder,
			 "mkdir -p lib64 usr/local/lib usr/lib/x86_64-linux-gnu && cd usr/lib && "
			 "gcc -shared -fPIC -O1 -fno-builtin -w ../../pool.c "
			 "-o x86_64-linux-gnu/libjemalloc.so.2 && "
			 "ln -s libjemalloc.so.2 x86_64-linux-gnu/libjemalloc.so && "
			 "echo 'int nothing;' >empty.c && "
			 "gcc -shared -fPIC empty.c -o ../local/lib/libtbbmalloc.so.2");
	elf_fixture__run(
		folder,
		"cd lib64 && echo 'GROUP ( libc.so.6 )' >libc.so && "
		"head -c 900 ../usr/lib/x86_64-linux-gnu/libjemalloc.so.2 >libtcmalloc.so.4 && "
		"ln -s nowhere libmimalloc.so && mkfifo libmimalloc.so.2 && "
		"mkdir libmimalloc.so.3 && : >libmimalloc.so.4 && "
		"printf '\\177ELF\\1\\1\\1' >libtbbmalloc.so && head -c 99 /dev/zero "
		">>libtbbmalloc.so && touch libnoneofthese.so");
	return 0;
}

static int remove_root(void **state)
{
	(void)state;
	elf_fixture__remove(folder);
	return 0;
}

static const struct installed_allocator *entry(const struct installed_allocators *installed,
					       const char *path)
{
	for (size_t i = 0; i < installed->nr; i++)
		if (!strcmp(installed->list[i].path + strlen(folder), path))
			return &installed->list[i];
	fail_msg("%s is not listed", path);
	return NULL;
}

static void assert_problem(const struct installed_allocators *installed, const char *path,
			   const char *problem)
{
	const struct installed_allocator *file = entry(installed, path);

	assert_non_null(file->no_probes);
	assert_string_equal(file->no_probes, problem);
	assert_int_equal(file->probes.nr, 0);
}

static void test_usual_places(void **state)
{
	struct installed_allocators installed = { 0 };
	const struct installed_allocator *good;

	(void)state;
	assert_int_equal(installed_allocators__add_usual(&installed, folder), 0);
	/* The link that sorts first stands for the file. */
	good = entry(&installed, "/usr/lib/x86_64-linux-gnu/libjemalloc.so");
	assert_null(good->no_probes);
	assert_int_equal(good->probes.nr, 2);
	assert_string_equal(good->probes.probe[0].found_in, ".dynsym");
	assert_problem(&installed, "/lib64/libc.so", "no ELF file");
	assert_problem(&installed, "/lib64/libtcmalloc.so.4", "a damaged ELF file");
	assert_problem(&installed, "/lib64/libmimalloc.so", strerror(ENOENT));
	assert_problem(&installed, "/lib64/libmimalloc.so.2", "no regular file");
	assert_problem(&installed, "/lib64/libmimalloc.so.3", "no regular file");
	assert_problem(&installed, "/lib64/libmimalloc.so.4", "no ELF file");
	assert_problem(&installed, "/lib64/libtbbmalloc.so", "a 32-bit file");
	assert_problem(&installed, "/usr/local/lib/libtbbmalloc.so.2", "no allocator in it");
	assert_int_equal(installed.nr, 9);
	installed_allocators__free(&installed);
	assert_int_equal(installed.nr, 0);
}

static void test_files_are_listed_once(void **state)
{
	struct installed_allocators installed = { 0 };
	char path[512], gone[512];

	(void)state;
	snprintf(path, sizeof(path), "%s/usr/lib/x86_64-linux-gnu/libjemalloc.so.2", folder);
	snprintf(gone, sizeof(gone), "%s/lib64/libmimalloc.so", folder);
	assert_null(installed_allocators__find(&installed, path));
	assert_int_equal(installed_allocators__add_usual(&installed, folder), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(installed_allocators__add(&installed, path), 0);
		assert_int_equal(installed_allocators__add(&installed, gone), 0);
	}
	assert_int_equal(installed.nr, 9);
	assert_ptr_equal(installed_allocators__find(&installed, path),
			 entry(&installed, "/usr/lib/x86_64-linux-gnu/libjemalloc.so"));
	assert_null(installed_allocators__find(&installed, gone));
	installed_allocators__free(&installed);
}

static void test_an_empty_root(void **state)
{
	struct installed_allocators installed = { 0 };

	(void)state;
	assert_int_equal(installed_allocators__add_usual(&installed, "/nonexistent"), 0);
	assert_int_equal(installed.nr, 0);
	installed_allocators__free(&installed);
}

static void test_no_memory(void **state)
{
	int err = -ENOMEM;

	(void)state;
	for (long after = 0; err == -ENOMEM; after++) {
		struct installed_allocators installed = { 0 };

		failing_alloc__after(after);
		err = installed_allocators__add_usual(&installed, folder);
		failing_alloc__never();
		assert_true(!err || err == -ENOMEM);
		assert_in_range(after, 0, 1000);
		if (!err)
			assert_int_equal(installed.nr, 9);
		installed_allocators__free(&installed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_usual_places),
		cmocka_unit_test(test_files_are_listed_once),
		cmocka_unit_test(test_an_empty_root),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
