// SPDX-License-Identifier: GPL-2.0
/* perf_map.h over text, perf_map_file.h over the perf map of this very process. */
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
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "failing_alloc.h"
#include "names/perf_map.h"
#include "names/perf_map_file.h"

static char own_path[64];

static int begin(void **state)
{
	(void)state;
	snprintf(own_path, sizeof(own_path), "/tmp/perf-%d.map", (int)getpid());
	unlink(own_path);
	return 0;
}

static int end(void **state)
{
	(void)state;
	unlink(own_path);
	return 0;
}

static struct perf_map *map_of(const char *text)
{
	struct perf_map *map = perf_map__new();

	assert_non_null(map);
	assert_int_equal(perf_map__add_text(map, text, strlen(text)), strlen(text));
	return map;
}

static void check(struct perf_map *map, uint64_t address, const char *expected)
{
	const char *name = perf_map__find(map, address);

	if (!expected)
		assert_null(name);
	else
		assert_string_equal(name ? name : "(none)", expected);
}

static void test_lines(void **state)
{
	struct perf_map *map = map_of("1000 20 first\n"
				      "0x2000 0x10 java.lang.String::charAt(int) [tier 1]\n"
				      "ABCDEF01 1 Upper\r\n"
				      "fffffffffffff000 100 high\n");

	(void)state;
	check(map, 0xfff, NULL);
	check(map, 0x1000, "first");
	check(map, 0x101f, "first");
	check(map, 0x1020, NULL);
	check(map, 0x200f, "java.lang.String::charAt(int) [tier 1]");
	check(map, 0xabcdef01, "Upper");
	check(map, 0xfffffffffffff0ff, "high");
	check(map, UINT64_MAX, NULL);
	perf_map__free(map);
	perf_map__free(NULL);
}

static void test_lines_that_are_none(void **state)
{
	struct perf_map *map = map_of("\n"
				      "1000\n"
				      "1000 20\n"
				      "1000 20 \n"
				      " 1000 20 blank\n"
				      "-1 20 minus\n"
				      "10000000000000000 20 too_large\n"
				      "fffffffffffffff0 20 wraps\n"
				      "3000 0 empty\n"
				      "0x 10 no_digits\n"
				      "1000\t20\ttabs\n"
				      "4000 10 with\001\033[2Jcontrols\n");

	(void)state;
	check(map, 0, NULL);
	check(map, 0x1000, NULL);
	check(map, 0x3000, NULL);
	check(map, 0xfffffffffffffff0, NULL);
	check(map, 0x4000, "with??[2Jcontrols");
	perf_map__free(map);
}

static void test_later_lines_win(void **state)
{
	struct perf_map *map = map_of("1000 100 old\n1000 40 new\n"
				      "2000 1000 arena\n2100 10 inside\n"
				      "3100 10 moved\n3000 1000 over_it\n");

	(void)state;
	check(map, 0x1000, "new");
	check(map, 0x1050, NULL);
	check(map, 0x2105, "inside");
	check(map, 0x2110, "arena");
	check(map, 0x3105, "over_it");
	perf_map__free(map);
}

static void test_text_in_pieces(void **state)
{
	struct perf_map *map = perf_map__new();
	char *line = malloc(3 * PERF_MAP_MAX_LINE_BYTES);
	int length;

	(void)state;
	assert_int_equal(perf_map__add_text(map, "1000 10 a\n2000 1", 16), 10);
	check(map, 0x1000, "a");
	check(map, 0x2000, NULL);
	assert_int_equal(perf_map__add_text(map, "2000 10 b\n", 10), 10);
	check(map, 0x2000, "b");
	assert_int_equal(perf_map__add_text(map, "", 0), 0);

	/* A long name is cut, a line without an end is dropped. */
	length = sprintf(line, "3000 10 ");
	memset(line + length, 'n', 2000);
	line[length + 2000] = '\n';
	perf_map__add_text(map, line, length + 2001);
	assert_int_equal(strlen(perf_map__find(map, 0x3000)), PERF_MAP_MAX_NAME_BYTES);
	memset(line, 'x', 3 * PERF_MAP_MAX_LINE_BYTES);
	for (int i = 0; i < 3; i++)
		assert_int_equal(perf_map__add_text(map, line, PERF_MAP_MAX_LINE_BYTES),
				 PERF_MAP_MAX_LINE_BYTES);
	assert_int_equal(perf_map__add_text(map, "4000 10 rest\n5000 10 good\n", 26), 26);
	check(map, 0x4000, NULL);
	check(map, 0x5000, "good");
	free(line);
	perf_map__free(map);
}

static void test_out_of_memory(void **state)
{
	(void)state;
	for (int nr = 0; nr < 4; nr++) {
		struct perf_map *map;

		failing_alloc__after(nr);
		map = perf_map__new();
		if (map)
			assert_int_equal(perf_map__add_text(map, "1000 10 a\n", 10), 10);
		failing_alloc__never();
		if (map)
			check(map, 0x1000, nr < 3 ? NULL : "a");
		perf_map__free(map);
	}
	for (int nr = 0; nr < 10; nr++) {
		struct perf_map_file *file;

		failing_alloc__after(nr);
		file = perf_map_file__new(getpid());
		if (file)
			perf_map_file__refresh(file);
		failing_alloc__never();
		perf_map_file__free(file);
	}
}

static void write_own(const char *mode, const char *text)
{
	FILE *file = fopen(own_path, mode);

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void check_file(struct perf_map_file *file, uint64_t address, const char *expected)
{
	const char *name = perf_map_file__find(file, address);

	assert_string_equal(name ? name : "(none)", expected ? expected : "(none)");
}

static void test_a_file_that_grows(void **state)
{
	struct perf_map_file *file = perf_map_file__new(getpid());

	(void)state;
	assert_non_null(file);
	assert_int_equal(perf_map_file__refresh(file), -ENOENT);
	check_file(file, 0x1000, NULL);
	write_own("w", "1000 10 one\n20");
	check_file(file, 0x1000, NULL);
	assert_int_equal(perf_map_file__refresh(file), 0);
	check_file(file, 0x1000, "one");
	write_own("a", "00 10 two\n");
	assert_int_equal(perf_map_file__refresh(file), 0);
	check_file(file, 0x1000, "one");
	check_file(file, 0x2000, "two");
	/* Written anew in place, and longer than before. */
	write_own("w", "1000 10 three\n2000 10 four\n3000 10 five\n");
	assert_int_equal(perf_map_file__refresh(file), 0);
	check_file(file, 0x1000, "three");
	check_file(file, 0x3000, "five");
	/* Another file with that name. */
	unlink(own_path);
	write_own("w", "1000 10 six\n");
	assert_int_equal(perf_map_file__refresh(file), 0);
	check_file(file, 0x1000, "six");
	check_file(file, 0x3000, NULL);
	/* Gone, but what was opened can still be read. */
	write_own("a", "4000 10 seven\n");
	unlink(own_path);
	assert_int_equal(perf_map_file__refresh(file), 0);
	check_file(file, 0x4000, "seven");
	perf_map_file__free(file);
	perf_map_file__free(NULL);
}

static void test_files_of_others(void **state)
{
	struct perf_map_file *file = perf_map_file__new(getpid());
	struct timespec long_ago[2] = { { 1000, 0 }, { 1000, 0 } };
	char second_path[96];

	(void)state;
	assert_int_equal(symlink("/etc/passwd", own_path), 0);
	assert_int_equal(perf_map_file__refresh(file), -EINVAL);
	unlink(own_path);
	assert_int_equal(mkfifo(own_path, 0600), 0);
	assert_int_equal(perf_map_file__refresh(file), -EINVAL);
	unlink(own_path);
	write_own("w", "1000 10 stale\n");
	assert_int_equal(utimensat(AT_FDCWD, own_path, long_ago, 0), 0);
	assert_int_equal(perf_map_file__refresh(file), -ESTALE);
	unlink(own_path);
	write_own("w", "1000 10 planted\n");
	/* As root the other user's file can be made, and as a user none could be. */
	if (!geteuid()) {
		assert_int_equal(chown(own_path, 12345, 12345), 0);
		assert_int_equal(perf_map_file__refresh(file), -EPERM);
		check_file(file, 0x1000, NULL);
		assert_int_equal(chown(own_path, 0, 0), 0);
	}
	/* The right to link to a file includes neither the right to write it nor to read it. */
	snprintf(second_path, sizeof(second_path), "%s.second", own_path);
	assert_int_equal(link(own_path, second_path), 0);
	assert_int_equal(perf_map_file__refresh(file), -EMLINK);
	check_file(file, 0x1000, NULL);
	unlink(second_path);
	assert_int_equal(perf_map_file__refresh(file), 0);
	check_file(file, 0x1000, "planted");
	unlink(own_path);
	perf_map_file__free(file);
}

/* The child writes its map and ends; only then it is read. */
static void test_a_process_that_has_ended(void **state)
{
	struct perf_map_file *file;
	int ready[2], go[2];
	char path[64], byte = 0;
	FILE *map;
	pid_t child;

	(void)state;
	assert_int_equal(pipe(ready) | pipe(go), 0);
	child = fork();
	if (!child) {
		snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)getpid());
		if (write(ready[1], &byte, 1) != 1 || read(go[0], &byte, 1) != 1)
			_exit(1);
		map = fopen(path, "w");
		if (!map)
			_exit(1);
		fputs("1000 10 late\n", map);
		fclose(map);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	file = perf_map_file__new(child);
	assert_non_null(file);
	assert_int_equal(write(go[1], &byte, 1), 1);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(perf_map_file__refresh(file), 0);
	check_file(file, 0x1000, "late");
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)child);
	unlink(path);
	perf_map_file__free(file);
	assert_null(perf_map_file__new(child));
	assert_int_equal(errno, ESRCH);
	for (int i = 0; i < 2; i++) {
		close(ready[i]);
		close(go[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_lines_that_are_none),
		cmocka_unit_test(test_later_lines_win),
		cmocka_unit_test(test_text_in_pieces),
		cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_a_file_that_grows),
		cmocka_unit_test(test_files_of_others),
		cmocka_unit_test(test_a_process_that_has_ended),
	};

	/* A file that hangs us must not hang the whole run. */
	alarm(60);
	return cmocka_run_group_tests_name("perf_map", tests, begin, end);
}
