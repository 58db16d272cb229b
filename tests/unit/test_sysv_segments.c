// SPDX-License-Identifier: GPL-2.0
/* Texts of /proc/sysvipc/shm: of this kernel, of 32-bit ones, and broken ones. */
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
#include "stays/sysv_segments.h"

#define HEADER                                                                                   \
	"       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid" \
	"  cgid      atime      dtime      ctime                   rss                  swap\n"

static int read_text(const char *text, struct sysv_segment **segments, size_t *nr)
{
	FILE *file = *text ? fmemopen((void *)text, strlen(text), "r") : fopen("/dev/null", "r");
	int err;

	assert_non_null(file);
	err = sysv_segments__read(file, segments, nr);
	fclose(file);
	return err;
}

static void test_segments(void **state)
{
	const struct sysv_segment *segment;
	struct sysv_segment *segments;
	size_t nr;

	(void)state;
	assert_int_equal(
		read_text(
			HEADER
			"        42         20  1600               1048576 12527 12528      1     0"
			"     0     0     0 1795403571          0 1795403571                303104"
			"                  4096\n"
			"-559038737          3   600   42   7    0      0 4294967294 0 0 0 1 2 3 0 0\n",
			&segments, &nr),
		0);
	assert_int_equal(nr, 2);
	assert_null(sysv_segments__find(segments, nr, 4));
	segment = sysv_segments__find(segments, nr, 20);
	assert_non_null(segment);
	assert_int_equal(segment->key, 42);
	assert_true(segment->removed);
	assert_int_equal(segment->creator, 12527);
	assert_int_equal(segment->nr_attached, 1);
	assert_int_equal(segment->changed_s, 1795403571);
	assert_int_equal(segment->bytes, 307200);
	segment = sysv_segments__find(segments, nr, 3);
	assert_non_null(segment);
	assert_int_equal(segment->key, 0xdeadbeef);
	assert_false(segment->removed);
	assert_int_equal(segment->bytes, 0);
	free(segments);
}

/* Four huge pages as 6.18 prints them; a segment can take more memory than was asked for. */
static void test_no_more_than_there_is(void **state)
{
	struct sysv_segment *segments;
	size_t nr;

	(void)state;
	assert_int_equal(read_text("0 1 600 8388608 7 0 0 0 0 0 0 1 2 3 4294967296 0\n"
				   "0 2 600 100 7 0 0 0 0 0 0 1 2 3 4096 0\n",
				   &segments, &nr),
			 0);
	assert_int_equal(nr, 2);
	assert_int_equal(segments[0].bytes, 8388608);
	assert_int_equal(segments[1].bytes, 4096);
	free(segments);
}

static void test_none_and_broken(void **state)
{
	static const char *const texts[] = {
		"",
		HEADER,
		"0 1 600 5 7 0 0 0 0 0 0 1 2 3 0\n",
		"0 1 600 5 x 0 0 0 0 0 0 1 2 3 0 0\n",
		"0 1 600 5 7 0 0 0 0 0 0 1 2 3 18446744073709551615 1\n",
		"0 1 600 18446744073709551615 7 0 0 0 0 0 0 1 2 3 0 0\n",
		"\n\n \n",
	};
	struct sysv_segment *segments;
	size_t nr;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(read_text(texts[i], &segments, &nr), 0);
		if (nr)
			fail_msg("taken: %s", texts[i]);
		assert_null(segments);
		assert_null(sysv_segments__find(segments, nr, 1));
	}
}

static char *many(size_t nr_lines)
{
	char *text = malloc(nr_lines * 64 + 1), *end = text;

	for (size_t i = 0; i < nr_lines; i++)
		end += sprintf(end, "0 %zu 600 5 7 0 0 0 0 0 0 1 2 3 0 0\n", nr_lines - i);
	return text;
}

static void test_many(void **state)
{
	char *text = many(5000);
	struct sysv_segment *segments;
	size_t nr;

	(void)state;
	assert_int_equal(read_text(text, &segments, &nr), 0);
	free(text);
	assert_int_equal(nr, 5000);
	for (uint32_t id = 1; id <= 5000; id++)
		assert_int_equal(sysv_segments__find(segments, nr, id)->id, id);
	free(segments);
	text = many(70000);
	assert_int_equal(read_text(text, &segments, &nr), -ENOSPC);
	free(text);
	assert_null(segments);
	assert_int_equal(nr, 0);
}

static void test_out_of_memory(void **state)
{
	struct sysv_segment *segments;
	char *text = many(500);
	size_t nr;
	int err;

	(void)state;
	for (long i = 0; i < 3; i++) {
		failing_alloc__after(i);
		err = read_text(text, &segments, &nr);
		failing_alloc__never();
		assert_int_equal(err, -ENOMEM);
		assert_null(segments);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_no_more_than_there_is),
		cmocka_unit_test(test_none_and_broken),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
