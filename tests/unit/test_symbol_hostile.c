// SPDX-License-Identifier: GPL-2.0
/*
 * Files that were replaced, rewritten, deleted or damaged under the symbolizer, and memory that
 * runs out: never another file's names, never a crash.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above before it. */
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "failing_alloc.h"
#include "base/file_set.h"
#include "symbol_fixture.h"
#include "names/symbolize.h"

#define MAX_FRAMES 16

static void test_other_files_are_never_used(void **state)
{
	struct symbolizer *symbolizer = symbolizer__new(0);
	struct mapping map;
	uint64_t address = symbol_fixture__address("leak64", "mark_inner");
	char link[64];
	int fd;

	(void)state;
	symbol_fixture__run("cp leak64 replaced && cp leak64 impostor");
	map = symbol_fixture__map("replaced");
	fd = open(map.path, O_RDONLY);
	symbol_fixture__run("mv impostor replaced");
	assert_string_equal(symbol_fixture__frames(symbolizer, &map, address, false), "? ?:0");
	assert_int_equal(symbolizer__open_file(symbolizer, &map, NULL, NULL), -ESTALE);
	symbol_fixture__run("rm replaced");
	assert_int_equal(symbolizer__open_file(symbolizer, &map, NULL, NULL), -ENOENT);
	symbol_fixture__run("mkfifo replaced");
	assert_int_equal(symbolizer__open_file(symbolizer, &map, NULL, NULL), -EINVAL);
	assert_int_equal(symbolizer__open_file(symbolizer, &map, "/dev/zero", NULL), -EINVAL);
	assert_string_equal(symbol_fixture__frames(symbolizer, &map, address, false), "? ?:0");
	/* The file is deleted, but a process that has it open can still reach it. */
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	assert_int_equal(symbolizer__open_file(symbolizer, &map, link, NULL), 0);
	close(fd);
	assert_string_equal(symbol_fixture__frames(symbolizer, &map, address, false),
			    SYMBOL_FIXTURE_INNER);
	symbol_fixture__run("rm replaced");
	symbolizer__free(symbolizer);

	/* The right number on another device. */
	symbolizer = symbolizer__new(0);
	map = symbol_fixture__map("leak64");
	map.file.dev_minor++;
	assert_string_equal(symbol_fixture__frames(symbolizer, &map, address, false), "? ?:0");
	symbolizer__free(symbolizer);
}

/* Opened when it was mapped, a file keeps its names although its path has passed to another. */
static void test_opened_early(void **state)
{
	struct symbolizer *symbolizer = symbolizer__new(0);
	uint64_t address = symbol_fixture__address("leak64", "mark_inner");
	struct mapping map, again;

	(void)state;
	symbol_fixture__run("cp leak64 early");
	map = symbol_fixture__map("early");
	assert_int_equal(symbolizer__open_file(symbolizer, &map, map.path, NULL), 0);
	symbol_fixture__run("rm early && cp names early");
	again = symbol_fixture__map("early");
	/* Kept open, the inode can't be given to the new file. */
	assert_true(again.file.inode != map.file.inode);
	assert_string_equal(symbol_fixture__frames(symbolizer, &map, address, false),
			    SYMBOL_FIXTURE_INNER);
	assert_string_equal(symbol_fixture__frames(symbolizer, &again,
						   symbol_fixture__address("early", "plain"),
						   false),
			    "plain names.cc:9");
	symbolizer__free(symbolizer);
}

static void test_rewritten_in_place(void **state)
{
	struct symbolizer *symbolizer = symbolizer__new(0);
	uint64_t address = symbol_fixture__address("leak64", "mark_inner");
	struct report_frame old;
	struct mapping map;

	(void)state;
	symbol_fixture__run("cp leak64 rewritten");
	map = symbol_fixture__map("rewritten");
	assert_int_equal(symbolizer__open_file(symbolizer, &map, NULL, NULL), 0);
	symbolizer__resolve(symbolizer, &map, address, false, &old, 1);
	symbol_fixture__run("cat names > rewritten");
	assert_int_equal(symbolizer__open_file(symbolizer, &map, NULL, NULL), 0);
	assert_string_equal(symbol_fixture__frames(symbolizer, &map,
						   symbol_fixture__address("names", "plain"),
						   false),
			    "plain names.cc:9");
	assert_string_equal(old.function, "outer");
	/* Truncated under our eyes: nothing is mapped, so nothing faults. */
	assert_int_equal(truncate(map.path, 100), 0);
	symbol_fixture__frames(symbolizer, &map, symbol_fixture__address("names", "main"), false);
	symbolizer__free(symbolizer);
}

/* For each file the symbolizer says something or nothing; it never crashes and never takes long. */
static void resolve_some(struct mapping *map, uint64_t address)
{
	struct symbolizer *symbolizer = symbolizer__new(0);
	struct report_frame frames[MAX_FRAMES];

	for (int64_t i = -64; i < 64; i++) {
		unsigned int nr = symbolizer__resolve(symbolizer, map, address + 16 * i, i & 1,
						      frames, MAX_FRAMES);

		assert_true(nr >= 1 && nr <= MAX_FRAMES);
	}
	symbolizer__free(symbolizer);
}

static char *read_whole(const char *name, size_t *length)
{
	FILE *file = fopen(symbol_fixture__path(name), "r");
	char *bytes;

	assert_non_null(file);
	fseek(file, 0, SEEK_END);
	*length = ftell(file);
	rewind(file);
	bytes = malloc(*length);
	assert_int_equal(fread(bytes, 1, *length, file), *length);
	fclose(file);
	return bytes;
}

static void test_damaged_files(void **state)
{
	const char *rounds_text = getenv("MEMLEAK_TEST_ROUNDS");
	int nr_rounds = rounds_text ? atoi(rounds_text) : 300;
	uint64_t address = symbol_fixture__address("names", "main");
	unsigned int random_state = 1;
	size_t length;
	char *good = read_whole("names", &length), *bad = malloc(length);

	(void)state;
	for (int round = 0; round < nr_rounds; round++) {
		size_t kept = length;
		struct mapping map;

		memcpy(bad, good, length);
		for (int i = rand_r(&random_state) % 60; i >= 0; i--) {
			size_t at = rand_r(&random_state) % length;

			/* Headers and section headers are small but matter most. */
			if (!(rand_r(&random_state) % 8))
				at %= 1024;
			else if (!(rand_r(&random_state) % 8))
				at = length - 1 - at % 2560;
			bad[at] = rand_r(&random_state) % 4 ? rand_r(&random_state) : 0xff;
		}
		if (!(rand_r(&random_state) % 10))
			kept = rand_r(&random_state) % length;
		symbol_fixture__write("damaged", bad, kept);
		map = symbol_fixture__map("damaged");
		resolve_some(&map, address);
	}
	free(bad);
	free(good);
}

/* Fails each allocation in turn: frames without names, then with, and never a crash. */
static void test_out_of_memory(void **state)
{
	uint64_t address = symbol_fixture__address("leak64", "mark_inner");
	struct mapping map = symbol_fixture__map("leak64");
	bool complete = false;

	(void)state;
	for (long nr = 0; nr < 4; nr++) {
		failing_alloc__after(nr);
		assert_null(symbolizer__new(0));
	}
	failing_alloc__never();
	for (long nr = 0; !complete; nr++) {
		struct symbolizer *symbolizer = symbolizer__new(0);
		struct report_frame frames[MAX_FRAMES];
		unsigned int nr_frames;

		failing_alloc__after(nr);
		nr_frames =
			symbolizer__resolve(symbolizer, &map, address, false, frames, MAX_FRAMES);
		assert_true(nr_frames >= 1);
		complete = nr_frames == 3 && frames[0].module && frames[0].function &&
			   frames[2].function && frames[0].file && frames[2].file;
		failing_alloc__never();
		/* Names are found once there is memory again. */
		nr_frames =
			symbolizer__resolve(symbolizer, &map, address, false, frames, MAX_FRAMES);
		assert_string_equal(frames[nr_frames - 1].function, "outer");
		assert_string_equal(frames[0].module, map.path);
		failing_alloc__after(nr);
		symbolizer__open_file(symbolizer, &map, NULL, NULL);
		failing_alloc__never();
		symbolizer__free(symbolizer);
		assert_true(nr < 1000);
	}
}

static size_t nr_open(void)
{
	DIR *folder = opendir("/proc/self/fd");
	size_t nr = 0;

	assert_non_null(folder);
	while (readdir(folder))
		nr++;
	closedir(folder);
	return nr;
}

/* As many as mounts, programs and libraries there may be: few are open, and all have their names. */
static void test_few_descriptors(void **state)
{
	enum { NR = 30, LIMIT = 40, AT_ONCE = LIMIT / 4 + 1 };
	uint64_t address = symbol_fixture__address("leak64", "mark_inner");
	struct symbolizer *symbolizer;
	struct rlimit old, limit;
	struct mapping map;
	size_t before;
	char name[32];

	(void)state;
	for (int i = 0; i < NR; i++)
		symbol_fixture__run("cp leak64 many%d", i);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	limit = (struct rlimit){ LIMIT, old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	symbolizer = symbolizer__new(0);
	before = nr_open();
	for (int i = 0; i < NR; i++) {
		snprintf(name, sizeof(name), "many%d", i);
		map = symbol_fixture__map(name);
		assert_int_equal(symbolizer__open_file(symbolizer, &map, map.path, NULL), 0);
		assert_true(nr_open() <= before + AT_ONCE);
	}
	for (int i = 0; i < NR; i++) {
		snprintf(name, sizeof(name), "many%d", i);
		map = symbol_fixture__map(name);
		assert_string_equal(symbol_fixture__frames(symbolizer, &map, address, false),
				    SYMBOL_FIXTURE_INNER);
		assert_true(nr_open() <= before + AT_ONCE);
	}
	symbolizer__free(symbolizer);
	assert_int_equal(nr_open(), before);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
}

static void test_nobody_maps_it(void **state)
{
	struct symbolizer *symbolizer = symbolizer__new(0);
	uint64_t inner = symbol_fixture__address("leak64", "mark_inner");
	uint64_t other = symbol_fixture__address("leak64", "other");
	struct file_set *mapped = file_set__new(), *nothing = file_set__new();
	size_t before = nr_open();
	struct mapping map;

	(void)state;
	symbol_fixture__run("cp -p leak64 used");
	map = symbol_fixture__map("used");
	assert_int_equal(file_set__add(mapped, &map.file), 0);
	assert_int_equal(symbolizer__open_file(symbolizer, &map, map.path, NULL), 0);
	symbolizer__sweep(symbolizer, mapped);
	assert_int_equal(nr_open(), before + 1);
	symbolizer__sweep(symbolizer, nothing);
	assert_int_equal(nr_open(), before);
	/* Its path still leads to it. */
	assert_string_equal(symbol_fixture__frames(symbolizer, &map, inner, false),
			    SYMBOL_FIXTURE_INNER);
	assert_int_equal(nr_open(), before + 1);
	/* Neither its debug information nor anything else is kept open. */
	symbolizer__sweep(symbolizer, nothing);
	assert_int_equal(nr_open(), before);
	/* A rewritten file is another file for addresses that were not looked up before. */
	symbol_fixture__run("touch used");
	assert_string_equal(symbol_fixture__frames(symbolizer, &map, other, false), "? ?:0");
	assert_int_equal(symbolizer__open_file(symbolizer, &map, map.path, NULL), 0);
	assert_int_not_equal(
		strcmp(symbol_fixture__frames(symbolizer, &map, other, false), "? ?:0"), 0);
	/* Deleted, it is kept while it is mapped. */
	symbol_fixture__run("rm used");
	symbolizer__sweep(symbolizer, mapped);
	assert_string_equal(symbol_fixture__frames(symbolizer, &map, inner, false),
			    SYMBOL_FIXTURE_INNER);
	symbolizer__sweep(symbolizer, nothing);
	assert_int_equal(nr_open(), before);
	assert_string_equal(symbol_fixture__frames(symbolizer, &map, inner, false), "? ?:0");
	file_set__free(mapped);
	file_set__free(nothing);
	symbolizer__free(symbolizer);
}

/* Names of earlier reports are not kept for ever. */
static void test_many_names(void **state)
{
	struct symbolizer *symbolizer = symbolizer__new(1 << 20);
	struct mapping map = symbol_fixture__map("leak64");
	char path[4096];
	struct report_frame frame;
	unsigned int nr_named = 0;

	(void)state;
	memset(path, 'p', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	map.path = path;
	map.file.inode = 0;
	for (int i = 0; i < 1000; i++) {
		snprintf(path, 6, "%05d", i);
		path[5] = 'p';
		symbolizer__resolve(symbolizer, &map, map.start, false, &frame, 1);
		nr_named += frame.module != NULL;
	}
	assert_in_range(nr_named, 20, 60);
	symbolizer__begin_report(symbolizer);
	symbolizer__resolve(symbolizer, &map, map.start, false, &frame, 1);
	assert_string_equal(frame.module, path);
	symbolizer__free(symbolizer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_other_files_are_never_used),
		cmocka_unit_test(test_opened_early),
		cmocka_unit_test(test_rewritten_in_place),
		cmocka_unit_test(test_damaged_files),
		cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_few_descriptors),
		cmocka_unit_test(test_nobody_maps_it),
		cmocka_unit_test(test_many_names),
	};

	/* A file that hangs us must not hang the whole run. */
	alarm(300);
	return cmocka_run_group_tests_name("symbol_hostile", tests, symbol_fixture__begin,
					   symbol_fixture__end);
}
