// SPDX-License-Identifier: GPL-2.0
/* shared_file.h over this process's own memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above before it. */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "leaks/process_areas.h"
#include "leaks/shared_file.h"

#define PAGE_BYTES 4096
#define MARK 0x123456789abcdef0ULL

static struct process_areas areas;

static int make_file(void)
{
	int fd = memfd_create("shared", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 16 * PAGE_BYTES), 0);
	return fd;
}

static uint64_t map_file(int fd, int flags)
{
	/* From the file's second page on. */
	void *region = mmap(NULL, 8 * PAGE_BYTES, PROT_READ | PROT_WRITE, flags, fd, PAGE_BYTES);
	FILE *maps = fopen("/proc/self/maps", "r");

	assert_true(region != MAP_FAILED);
	assert_non_null(maps);
	assert_int_equal(process_areas__read(&areas, maps), 0);
	fclose(maps);
	return (uint64_t)region;
}

static void write_mark(int fd, off_t page)
{
	uint64_t mark = MARK + (uint64_t)page;

	assert_int_equal(pwrite(fd, &mark, sizeof(mark), page * PAGE_BYTES), sizeof(mark));
}

/* Nobody has touched the mapping. Pages before and after it are not its own. */
static void test_pages_that_the_file_has(void **state)
{
	struct shared_file file;
	struct memory_reader reader;
	struct address_range run = { 0 };
	int fd = make_file();
	uint64_t region = map_file(fd, MAP_SHARED), word;

	(void)state;
	write_mark(fd, 0);
	write_mark(fd, 3);
	write_mark(fd, 8);
	write_mark(fd, 9);
	if (!shared_file__open(&file, getpid(), process_areas__find(&areas, region)))
		skip();
	reader = shared_file__reader(&file);
	assert_true(shared_file__next(&file, region, &run));
	assert_int_equal(run.start, region + 2 * PAGE_BYTES);
	assert_int_equal(run.end, region + 3 * PAGE_BYTES);
	assert_true(memory_reader__all(&reader, run.start, &word, sizeof(word)));
	assert_int_equal(word, MARK + 3);
	assert_true(shared_file__next(&file, run.end, &run));
	assert_int_equal(run.start, region + 7 * PAGE_BYTES);
	assert_int_equal(run.end, region + 8 * PAGE_BYTES);
	assert_false(shared_file__next(&file, run.end, &run));
	shared_file__close(&file);
	process_areas__free(&areas);
	munmap((void *)region, 8 * PAGE_BYTES);
	close(fd);
}

/* A private mapping has pages of its own, and a file on disk could keep the tracer waiting. */
static void test_other_memory(void **state)
{
	struct shared_file file;
	int fd = make_file();
	uint64_t region = map_file(fd, MAP_PRIVATE);
	struct area on_disk;

	(void)state;
	assert_false(shared_file__open(&file, getpid(), process_areas__find(&areas, region)));
	on_disk = *process_areas__find(&areas, region);
	on_disk.kind = AREA_SHARED_MEMORY;
	on_disk.shared = true;
	on_disk.device = 12345;
	assert_false(shared_file__open(&file, getpid(), &on_disk));
	process_areas__free(&areas);
	munmap((void *)region, 8 * PAGE_BYTES);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages_that_the_file_has),
		cmocka_unit_test(test_other_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
