// SPDX-License-Identifier: GPL-2.0
/* process_areas.h over texts of /proc/PID/maps, and memory_reader.h over this process's memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above before it. */
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "failing_alloc.h"
#include "leaks/memory_reader.h"
#include "leaks/process_areas.h"

static struct process_areas areas;

static int read_text(const char *text, size_t length)
{
	FILE *maps = fmemopen((void *)text, length, "r");
	int err;

	assert_non_null(maps);
	err = process_areas__read(&areas, maps);
	fclose(maps);
	return err;
}

static int read_maps(const char *text)
{
	return read_text(text, strlen(text));
}

/* Where in which file: what the leak scan needs to read shared memory. */
static void test_place_in_a_file(void **state)
{
	(void)state;
	assert_int_equal(read_maps("7f00001000-7f00003000 rw-s 00123000 fe:01 7    /dev/shm/x\n"),
			 0);
	assert_int_equal(areas.nr, 1);
	assert_int_equal(areas.list[0].offset, 0x123000);
	assert_int_equal(areas.list[0].device, makedev(0xfe, 1));
	process_areas__free(&areas);
}

static void test_kinds(void **state)
{
	static const struct {
		const char *rest;
		enum area_kind kind;
	} lines[] = {
		{ "rw-p 00000000 00:00 0 ", AREA_ANONYMOUS },
		{ "rw-p 00000000 00:00 0", AREA_ANONYMOUS },
		{ "rw-p 00000000 00:00 0                   [heap]", AREA_HEAP },
		{ "rw-p 00000000 00:00 0                   [stack]", AREA_STACK },
		{ "rw-p 00000000 00:00 0                   [stack:12]", AREA_ANONYMOUS },
		{ "rw-p 00000000 00:00 0                   [anon: glibc: malloc arena]",
		  AREA_ANONYMOUS },
		{ "rw-p 00000000 00:00 0                   [anon:[heap]", AREA_ANONYMOUS },
		{ "rw-s 00000000 00:01 7                   [anon_shmem:x]", AREA_SHARED_MEMORY },
		{ "r--p 00000000 00:00 0                   [vvar]", AREA_KERNEL },
		{ "r-xp 00000000 00:00 0                   [vdso]", AREA_KERNEL },
		{ "--xp 00000000 00:00 0                   [vsyscall]", AREA_KERNEL },
		{ "rw-p 00000000 fe:01 12                  /usr/lib/libc.so.6", AREA_FILE },
		{ "rw-p 00000000 fe:01 12                  /a b/[heap]", AREA_FILE },
		{ "rw-p 00000000 fe:01 12                  /gone (deleted)", AREA_FILE },
		{ "rw-s 00000000 fe:01 12                  /data", AREA_FILE },
		{ "rw-s 00000000 00:01 5                   /SYSV0000002a (deleted)",
		  AREA_SHARED_MEMORY },
		{ "rw-s 00000000 00:01 5                   /memfd:x (deleted)",
		  AREA_SHARED_MEMORY },
		{ "rw-p 00000000 00:01 5                   /memfd:x (deleted)", AREA_FILE },
		{ "rw-s 00000000 00:01 5                   /dev/zero (deleted)",
		  AREA_SHARED_MEMORY },
		{ "rw-p 00000000 00:05 5                   /dev/zero", AREA_ANONYMOUS },
		{ "rw-s 00000000 00:05 5                   /dev/zeros", AREA_DEVICE },
		{ "rw-s 00000000 00:19 5                   /dev/shm/x", AREA_SHARED_MEMORY },
		{ "rw-p 00000000 00:19 5                   /dev/shm/x", AREA_FILE },
		{ "rw-s 00000000 00:1a 5                   /dev/hugepages/x", AREA_SHARED_MEMORY },
		{ "rw-p 00000000 00:1a 5                   /anon_hugepage (deleted)",
		  AREA_ANONYMOUS },
		{ "rw-s 00000000 00:05 5                   /dev/dri/card0", AREA_DEVICE },
		{ "rw-p 00000000 00:05 5                   /dev/mem", AREA_DEVICE },
		{ "rw-s 00000000 00:0f 5                   anon_inode:[perf_event]", AREA_DEVICE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		char text[256];

		snprintf(text, sizeof(text), "7f0000001000-7f0000003000 %s\n", lines[i].rest);
		assert_int_equal(read_maps(text), 0);
		assert_int_equal(areas.nr, 1);
		assert_int_equal(areas.list[0].start, 0x7f0000001000);
		assert_int_equal(areas.list[0].end, 0x7f0000003000);
		assert_int_equal(areas.list[0].readable, text[26] == 'r');
		assert_int_equal(areas.list[0].writable, text[27] == 'w');
		assert_int_equal(areas.list[0].executable, text[28] == 'x');
		assert_int_equal(areas.list[0].shared, text[29] == 's');
		assert_int_equal(areas.list[0].kind, lines[i].kind);
		process_areas__free(&areas);
	}
}

static void test_search(void **state)
{
	(void)state;
	assert_int_equal(read_maps("1000-2000 r--p 00000000 00:00 0\n"
				   "2000-3000 rw-p 00000000 00:00 0 \n"
				   "5000-ffffffffffffffff rw-p 00000000 00:00 0"),
			 0);
	assert_int_equal(areas.nr, 3);
	assert_null(process_areas__find(&areas, 0xfff));
	assert_ptr_equal(process_areas__find(&areas, 0x1000), &areas.list[0]);
	assert_ptr_equal(process_areas__find(&areas, 0x1fff), &areas.list[0]);
	assert_ptr_equal(process_areas__find(&areas, 0x2000), &areas.list[1]);
	assert_null(process_areas__find(&areas, 0x3000));
	assert_ptr_equal(process_areas__find(&areas, 0x5000), &areas.list[2]);
	assert_null(process_areas__find(&areas, UINT64_MAX));
	process_areas__free(&areas);
	assert_null(process_areas__find(&areas, 0x1000));
}

static void test_lines_that_are_none(void **state)
{
	(void)state;
	assert_int_equal(read_maps("\n"
				   "1000-1000 rw-p 00000000 00:00 0\n"
				   "2000-1000 rw-p 00000000 00:00 0\n"
				   " 1000-2000 rw-p 00000000 00:00 0\n"
				   "-2000 rw-p 00000000 00:00 0\n"
				   "0x1000-2000 rw-p 00000000 00:00 0\n"
				   "1000-10000000000000000 rw-p 00000000 00:00 0\n"
				   "1000-2000\n"
				   "1000-2000 rw-p\n"
				   "1000-2000 rw-px 00000000 00:00 0\n"
				   "1000-2000 rw-p 00000000 00:00\n"
				   "1000-2000 rw-p 00000000 00:00 \n"
				   "1000-2000 rw-p 00000000 00:00 x\n"
				   "1000-2000 rw-p 00000000 0000 0\n"
				   "4000-6000 rw-p 00000000 00:00 0\n"
				   "1000-2000 rw-p 00000000 00:00 0\n"
				   "5000-7000 rw-p 00000000 00:00 0\n"
				   "6000-7000 rw-p 00000000 00:00 0\n"),
			 0);
	assert_int_equal(areas.nr, 2);
	assert_int_equal(areas.list[0].start, 0x4000);
	assert_int_equal(areas.list[1].start, 0x6000);
	process_areas__free(&areas);
	assert_int_equal(read_text("1000-2000 rw-p 0\0000 00:00 0\n3000-4000 rw-p 0 0:0 0", 50), 0);
	assert_int_equal(areas.nr, 1);
	process_areas__free(&areas);
}

/* A path of any length is one line. */
static void test_long_lines(void **state)
{
	const size_t path_bytes = 300000;
	char *text = malloc(path_bytes + 200);
	int length;

	(void)state;
	length = sprintf(text, "1000-2000 rw-p 00000000 fe:01 12 /");
	for (size_t i = 0; i < path_bytes; i++)
		text[length++] = "/a\\012 3000-4000"[i % 16];
	length += sprintf(text + length, "\n5000-6000 rw-p 00000000 00:00 0 [heap]\n");
	assert_int_equal(read_text(text, length), 0);
	assert_int_equal(areas.nr, 2);
	assert_int_equal(areas.list[0].kind, AREA_FILE);
	assert_int_equal(areas.list[1].kind, AREA_HEAP);
	process_areas__free(&areas);
	free(text);
}

static void test_too_many(void **state)
{
	const size_t max = 1024 * 1024;
	char *text = malloc((max + 1) * 40);
	size_t length = 0, length_of_max = 0;

	(void)state;
	for (size_t i = 0; i <= max; i++) {
		length_of_max = length;
		length += sprintf(text + length, "%zx-%zx rw-p 0 0:0 0\n", i * 16, i * 16 + 16);
	}
	assert_int_equal(read_text(text, length_of_max), 0);
	assert_int_equal(areas.nr, max);
	process_areas__free(&areas);
	assert_int_equal(read_text(text, length), -E2BIG);
	assert_null(areas.list);
	free(text);
}

static void test_errors(void **state)
{
	FILE *folder;

	(void)state;
	failing_alloc__after(0);
	assert_int_equal(read_maps("1000-2000 rw-p 00000000 00:00 0\n"), -ENOMEM);
	failing_alloc__never();
	assert_null(areas.list);
	/* A folder can be opened, but not read. */
	folder = fopen("/proc/self", "re");
	assert_non_null(folder);
	assert_int_equal(process_areas__read(&areas, folder), -EIO);
	fclose(folder);
}

static void test_own_areas(void **state)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	int on_stack = 0;
	const struct area *area;

	(void)state;
	assert_non_null(maps);
	assert_int_equal(process_areas__read(&areas, maps), 0);
	fclose(maps);
	area = process_areas__find(&areas, (uintptr_t)&on_stack);
	assert_non_null(area);
	assert_int_equal(area->kind, AREA_STACK);
	area = process_areas__find(&areas, (uintptr_t)test_own_areas);
	assert_non_null(area);
	assert_int_equal(area->kind, AREA_FILE);
	assert_true(area->executable && !area->writable);
	area = process_areas__find(&areas, (uintptr_t)&areas);
	assert_non_null(area);
	assert_true(area->writable);
	process_areas__free(&areas);
}

/* Two pages, and none after them. */
static void test_memory_of_a_child(void **state)
{
	const size_t page = 4096;
	char *pages =
		mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int ready[2], go[2];
	struct memory_reader reader;
	char *copy = malloc(3 * page), byte = 0;
	pid_t child;

	(void)state;
	assert_true(pages != MAP_FAILED);
	assert_int_equal(pipe(ready) | pipe(go), 0);
	memset(pages, 'a', 2 * page);
	child = fork();
	if (!child) {
		memset(pages + page, 'b', page);
		munmap(pages + 2 * page, page);
		if (write(ready[1], &byte, 1) == 1 && read(go[0], &byte, 1) == 1)
			_exit(0);
		_exit(1);
	}
	assert_true(child > 0);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	reader = memory_reader__of_thread(&child);
	assert_true(memory_reader__all(&reader, (uintptr_t)pages, copy, 2 * page));
	assert_int_equal(copy[0], 'a');
	assert_int_equal(copy[2 * page - 1], 'b');
	assert_int_equal(reader.read(reader.context, (uintptr_t)pages, copy, 3 * page), 2 * page);
	assert_int_equal(reader.read(reader.context, (uintptr_t)pages + 100, copy, 3 * page - 100),
			 2 * page - 100);
	assert_false(memory_reader__all(&reader, (uintptr_t)pages + 2 * page - 4, copy, 8));
	assert_int_equal(reader.read(reader.context, (uintptr_t)pages + 2 * page, copy, 8), 0);
	assert_int_equal(reader.read(reader.context, UINT64_MAX, copy, 8), 0);
	assert_int_equal(write(go[1], &byte, 1), 1);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(reader.read(reader.context, (uintptr_t)pages, copy, 8), 0);
	close(ready[0]);
	close(go[0]);
	close(go[1]);
	munmap(pages, 3 * page);
	free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_place_in_a_file),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_search),
		cmocka_unit_test(test_lines_that_are_none),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_own_areas),
		cmocka_unit_test(test_memory_of_a_child),
	};

	return cmocka_run_group_tests_name("process_areas", tests, NULL, NULL);
}
