// SPDX-License-Identifier: GPL-2.0
/*
 * mapping.h: after any order of mappings the set shows what the kernel's address space would, and a
 * text of /proc/PID/maps with hostile paths can't mislead it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above before it. */
#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failing_alloc.h"
#include "base/mapping.h"

static int add(struct mapping_set *set, uint64_t start, uint64_t end, uint64_t offset, char *path)
{
	struct mapping map = { .start = start, .end = end, .file_offset = offset, .path = path };

	return mapping_set__add(set, &map);
}

static int print_mapping(const struct mapping *map, void *context)
{
	fprintf(context, "%jx-%jx@%jx %s;", (uintmax_t)map->start, (uintmax_t)map->end,
		(uintmax_t)map->file_offset, map->path);
	return 0;
}

static void assert_set(const struct mapping_set *set, const char *expected)
{
	char *text = NULL;
	size_t length;
	FILE *stream = open_memstream(&text, &length);

	mapping_set__each(set, print_mapping, stream);
	fclose(stream);
	assert_string_equal(text, expected);
	free(text);
}

static int visit_any(const struct mapping *map, void *context)
{
	(void)map;
	(void)context;
	return 1;
}

static struct mapping_set *three(void)
{
	struct mapping_set *set = mapping_set__new();

	assert_int_equal(add(set, 0x3000, 0x4000, 0x300, "c"), 0);
	assert_int_equal(add(set, 0x1000, 0x2000, 0x100, "a"), 0);
	assert_int_equal(add(set, 0x2000, 0x3000, 0x200, "b"), 0);
	return set;
}

static void test_sorts_and_finds(void **state)
{
	struct mapping_set *set = three();

	(void)state;
	assert_set(set, "1000-2000@100 a;2000-3000@200 b;3000-4000@300 c;");
	assert_null(mapping_set__find(set, 0xfff));
	assert_string_equal(mapping_set__find(set, 0x1000)->path, "a");
	assert_string_equal(mapping_set__find(set, 0x1fff)->path, "a");
	assert_string_equal(mapping_set__find(set, 0x2000)->path, "b");
	assert_null(mapping_set__find(set, 0x4000));
	assert_null(mapping_set__find(set, UINT64_MAX));
	mapping_set__free(set);
	mapping_set__free(NULL);
}

static void test_overlaps_cut(void **state)
{
	static const struct {
		uint64_t start, end;
		const char *expected;
	} cases[] = {
		{ 0x1000, 0x2000, "1000-2000@0 n;2000-3000@200 b;3000-4000@300 c;" },
		{ 0x0800, 0x1800, "800-1800@0 n;1800-2000@900 a;2000-3000@200 b;3000-4000@300 c;" },
		{ 0x1800, 0x2000,
		  "1000-1800@100 a;1800-2000@0 n;2000-3000@200 b;3000-4000@300 c;" },
		{ 0x1400, 0x1800,
		  "1000-1400@100 a;1400-1800@0 n;1800-2000@900 a;2000-3000@200 b;"
		  "3000-4000@300 c;" },
		{ 0x1800, 0x3800, "1000-1800@100 a;1800-3800@0 n;3800-4000@b00 c;" },
		{ 0x1800, 0x3000, "1000-1800@100 a;1800-3000@0 n;3000-4000@300 c;" },
		{ 0x0000, 0x9000, "0-9000@0 n;" },
		{ 0x4000, 0x5000,
		  "1000-2000@100 a;2000-3000@200 b;3000-4000@300 c;4000-5000@0 n;" },
		{ 0x0000, 0x1000, "0-1000@0 n;1000-2000@100 a;2000-3000@200 b;3000-4000@300 c;" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct mapping_set *set = three();

		assert_int_equal(add(set, cases[i].start, cases[i].end, 0, "n"), 0);
		assert_set(set, cases[i].expected);
		mapping_set__free(set);
	}
}

/* Random mappings, compared page by page with an array of pages. */
static void test_matches_a_page_array(void **state)
{
	enum { NR_PAGES = 200 };
	struct mapping_set *set = mapping_set__new();
	int owner[NR_PAGES];
	unsigned int random_state = 42;

	(void)state;
	memset(owner, -1, sizeof(owner));
	for (int round = 0; round < 3000; round++) {
		unsigned int start = rand_r(&random_state) % NR_PAGES;
		unsigned int end = start + 1 + rand_r(&random_state) % 20;
		char name[16];

		if (end > NR_PAGES)
			end = NR_PAGES;
		snprintf(name, sizeof(name), "%d", round);
		assert_int_equal(add(set, start, end, 1000 + start, name), 0);
		for (unsigned int page = start; page < end; page++)
			owner[page] = round;
		for (unsigned int page = 0; page < NR_PAGES; page++) {
			const struct mapping *map = mapping_set__find(set, page);

			assert_int_equal(map ? atoi(map->path) : -1, owner[page]);
			if (map)
				assert_int_equal(map->file_offset + page - map->start, 1000 + page);
		}
	}
	mapping_set__free(set);
}

static void test_refuses_bad_ranges(void **state)
{
	struct mapping_set *set = mapping_set__new();

	(void)state;
	assert_int_equal(add(set, 0x1000, 0x1000, 0, ""), -EINVAL);
	assert_int_equal(add(set, 0x2000, 0x1000, 0, ""), -EINVAL);
	assert_int_equal(add(set, UINT64_MAX - 1, UINT64_MAX, 0, NULL), 0);
	assert_string_equal(mapping_set__find(set, UINT64_MAX - 1)->path, "");
	mapping_set__free(set);
}

static void test_is_bounded(void **state)
{
	struct mapping_set *set = mapping_set__new();

	(void)state;
	for (uint64_t i = 0; i < 65536; i++)
		assert_int_equal(add(set, 3 * i, 3 * i + 3, 0, ""), 0);
	assert_int_equal(add(set, 3 * 65536, 3 * 65536 + 1, 0, ""), -ENOSPC);
	assert_int_equal(add(set, 1, 2, 0, ""), -ENOSPC);
	/* A change that needs no more room is still possible. */
	assert_int_equal(add(set, 0, 3, 0, "x"), 0);
	assert_string_equal(mapping_set__find(set, 1)->path, "x");
	mapping_set__free(set);
}

static int stop_at_second(const struct mapping *map, void *context)
{
	(void)map;
	return ++*(int *)context == 2 ? 7 : 0;
}

static void test_each_stops(void **state)
{
	struct mapping_set *set = three();
	int nr = 0;

	(void)state;
	assert_int_equal(mapping_set__each(set, stop_at_second, &nr), 7);
	assert_int_equal(nr, 2);
	mapping_set__free(set);
}

static void test_clone_is_independent(void **state)
{
	struct mapping_set *set = three(), *clone = mapping_set__clone(set);

	(void)state;
	assert_int_equal(add(set, 0, 0x9000, 0, "n"), 0);
	assert_set(clone, "1000-2000@100 a;2000-3000@200 b;3000-4000@300 c;");
	mapping_set__free(set);
	assert_int_equal(add(clone, 0x5000, 0x6000, 0, "d"), 0);
	mapping_set__free(clone);

	set = mapping_set__new();
	clone = mapping_set__clone(set);
	assert_set(clone, "");
	mapping_set__free(clone);
	mapping_set__free(set);
}

static int read_text(struct mapping_set *set, const char *text, size_t length)
{
	FILE *stream = fmemopen((char *)text, length, "r");
	int result = mapping_set__read_maps(set, stream);

	fclose(stream);
	return result;
}

static void test_shared(void **state)
{
	struct mapping_set *set = three(), *other;

	(void)state;
	assert_false(mapping_set__is_shared(set));
	other = mapping_set__share(set);
	assert_ptr_equal(other, set);
	assert_true(mapping_set__is_shared(set));
	mapping_set__free(other);
	assert_false(mapping_set__is_shared(set));
	assert_true(mapping_set__each(set, visit_any, NULL));
	mapping_set__free(set);
}

static void test_reads_maps(void **state)
{
	static const char text[] =
		"55d0c0a00000-55d0c0a02000 r--p 00000000 fe:01 131 /usr/bin/a b (deleted)\n"
		"55d0c0a02000-55d0c0a06000 r-xp 00002000 fe:01 4294967297      /usr/bin/a b (deleted)\n"
		"55d0c0b00000-55d0c0b01000 r-xp 00000000 103:02 7     /tmp/two\\012lines  \n"
		"55d0c1000000-55d0c1021000 rw-p 00000000 00:00 0      [heap]\n"
		"7f0000000000-7f0000001000 rwxp 00000000 00:00 0 \n"
		"7ffd00000000-7ffd00002000 r-xp 00000000 00:00 0      [vdso]\n"
		"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0      [vsyscall]";
	struct mapping_set *set = mapping_set__new();
	const struct mapping *map;

	(void)state;
	assert_int_equal(read_text(set, text, sizeof(text) - 1), 5);
	assert_null(mapping_set__find(set, 0x55d0c0a01000));
	map = mapping_set__find(set, 0x55d0c0a03000);
	assert_string_equal(map->path, "/usr/bin/a b (deleted)");
	assert_int_equal(map->file_offset, 0x2000);
	assert_int_equal(map->file.dev_major, 0xfe);
	assert_int_equal(map->file.dev_minor, 1);
	assert_true(map->file.inode == 4294967297);
	assert_string_equal(mapping_set__find(set, 0x55d0c0b00000)->path, "/tmp/two\\012lines  ");
	assert_int_equal(mapping_set__find(set, 0x55d0c0b00000)->file.dev_major, 0x103);
	assert_string_equal(mapping_set__find(set, 0x7f0000000000)->path, "");
	assert_string_equal(mapping_set__find(set, 0x7ffd00000000)->path, "[vdso]");
	assert_string_equal(mapping_set__find(set, 0xffffffffff600fff)->path, "[vsyscall]");
	mapping_set__free(set);
}

static void test_skips_what_is_no_mapping(void **state)
{
	static const char *const lines[] = {
		"",
		"\n",
		"garbage\n",
		"-\n",
		"1000\n",
		"1000-\n",
		"1000-2000\n",
		"1000-2000 r-xp\n",
		"1000-2000 r-xp 0\n",
		"1000-2000 r-xp 0 0\n",
		"1000-2000 r-xp 0 0:0\n",
		"1000-2000 r-xp 0 0:0 x\n",
		"1000-2000 r-xp 0 0:0 1x\n",
		"1000-2000 r-x 0 0:0 1 /a\n",
		"1000-2000 r-xpp 0 0:0 1 /a\n",
		"2000-1000 r-xp 0 0:0 1 /a\n",
		"1000-1000 r-xp 0 0:0 1 /a\n",
		"0x1000-2000 r-xp 0 0:0 1 /a\n",
		" 1000-2000 r-xp 0 0:0 1 /a\n",
		"1000--2000 r-xp 0 0:0 1 /a\n",
		"1000-12345678901234567 r-xp 0 0:0 1 /a\n",
		"1000-2000 r-xp 0 100000000:0 1 /a\n",
		"1000-2000 r-xp 0 0:0 18446744073709551616 /a\n",
		"1000-2000 r-xp 0 0:0 -1 /a\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct mapping_set *set = mapping_set__new();
		char text[256];
		int length =
			snprintf(text, sizeof(text), "%s3000-4000 r-xp 0 0:0 1 /good\n", lines[i]);

		assert_int_equal(read_text(set, text, length), 1);
		assert_set(set, "3000-4000@0 /good;");
		mapping_set__free(set);
	}
}

static void test_survives_long_lines_and_nul(void **state)
{
	static const char head[] = "1000-2000 r-xp 0 0:0 1 /",
			  tail[] = "\n2000-3000 r-xp 0 0:0 1 /b\n";
	size_t path_bytes = 1 << 20, length = sizeof(head) - 1 + path_bytes + sizeof(tail) - 1;
	static const char nul[] = "1000-2000 r-xp 0 0:0 1 /a\0 3000-4000 r-xp 0 0:0 1 /c\n"
				  "2000-3000 r-xp 0 0:0 1 /b\n";
	struct mapping_set *set = mapping_set__new();
	char *text = malloc(length);

	(void)state;
	memcpy(text, head, sizeof(head) - 1);
	memset(text + sizeof(head) - 1, 'x', path_bytes);
	memcpy(text + sizeof(head) - 1 + path_bytes, tail, sizeof(tail) - 1);
	assert_int_equal(read_text(set, text, length), 2);
	assert_true(strlen(mapping_set__find(set, 0x1000)->path) > 4096);
	assert_string_equal(mapping_set__find(set, 0x2000)->path, "/b");
	free(text);
	mapping_set__free(set);

	set = mapping_set__new();
	assert_int_equal(read_text(set, nul, sizeof(nul) - 1), 2);
	assert_set(set, "1000-2000@0 /a;2000-3000@0 /b;");
	mapping_set__free(set);
}

static void test_reads_our_own_maps(void **state)
{
	struct mapping_set *set = mapping_set__new();
	FILE *maps = fopen("/proc/self/maps", "r");
	const struct mapping *map;

	(void)state;
	assert_true(mapping_set__read_maps(set, maps) > 3);
	fclose(maps);
	map = mapping_set__find(set, (uintptr_t)test_reads_our_own_maps);
	assert_non_null(map);
	assert_non_null(strstr(map->path, "test_mapping"));
	mapping_set__free(set);
}

/* Each allocation fails once, in turn: the set is then as it was before the call. */
/* Paths that each take a page, and countless mappings. */
static void test_room_for_all(void **state)
{
	struct mapping_room room = { .max_bytes = 8 << 20 };
	struct mapping_set *set = mapping_set__new_in(&room), *clone, *other, *clones[8];
	char path[4000];
	uint64_t nr = 0, bytes;

	(void)state;
	memset(path, 'p', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	/* One path, however many mappings it has. */
	for (; nr < 10000; nr++)
		assert_int_equal(add(set, nr << 12, (nr + 1) << 12, nr << 12, path), 0);
	assert_in_range(room.bytes, 10000 * sizeof(struct mapping), 2 << 20);
	bytes = room.bytes;
	clone = mapping_set__clone(set);
	assert_non_null(clone);
	assert_in_range(room.bytes, bytes + 1, 2 * bytes);
	assert_int_equal(add(clone, 0, 1, 0, "own"), 0);
	assert_string_equal(mapping_set__find(set, 0)->path, path);
	mapping_set__free(clone);
	assert_int_equal(room.bytes, bytes);

	/* Different paths take the room that the large ones may have, and leave some. */
	for (int err = 0; !err; nr++) {
		snprintf(path, 10, "%09ju", (uintmax_t)nr);
		path[9] = 'p';
		err = add(set, nr << 12, (nr + 1) << 12, 0, path);
		assert_true(!err || err == -ENOSPC);
		assert_true(nr < 20000);
	}
	assert_string_equal(mapping_set__find(set, 0x1000)->path + 9, path + 9);
	assert_in_range(room.bytes, 3 << 20, 4 << 20);
	other = mapping_set__new_in(&room);
	assert_int_equal(add(other, 0, 1, 0, "other"), 0);
	mapping_set__free(other);
	/* A child that maps something itself has a set of its own. */
	for (nr = 0; nr < 8 && (clones[nr] = mapping_set__clone(set)); nr++)
		;
	assert_in_range(nr, 1, 7);
	assert_int_equal(errno, ENOSPC);
	assert_true(room.bytes <= room.max_bytes);
	while (nr)
		mapping_set__free(clones[--nr]);
	mapping_set__free(set);
	assert_int_equal(room.bytes, 0);
}

static void test_out_of_memory(void **state)
{
	static const char before[] = "1000-2000@100 a;2000-3000@200 b;3000-4000@300 c;";
	static const char after[] = "1000-1400@100 a;1400-1800@0 n;1800-2000@900 a;2000-3000@200 b;"
				    "3000-4000@300 c;";
	struct mapping_set *set, *clone;
	int err = -ENOMEM;

	(void)state;
	failing_alloc__after(0);
	assert_null(mapping_set__new());
	failing_alloc__never();
	for (long nr = 0; err; nr++) {
		set = three();
		failing_alloc__after(nr);
		err = add(set, 0x1400, 0x1800, 0, "n");
		failing_alloc__never();
		assert_true(err == 0 || err == -ENOMEM);
		assert_set(set, err ? before : after);
		mapping_set__free(set);
		assert_true(nr < 10);
	}
	set = three();
	clone = NULL;
	for (long nr = 0; !clone; nr++) {
		errno = 0;
		failing_alloc__after(nr);
		clone = mapping_set__clone(set);
		failing_alloc__never();
		assert_true(clone || errno == ENOMEM);
		assert_true(nr < 10);
	}
	assert_set(clone, before);
	mapping_set__free(clone);

	/* A set that has to grow, in the middle of a text. */
	failing_alloc__after(0);
	assert_int_equal(read_text(set, "5000-6000 r-xp 0 0:0 1 /a\n", 26), -ENOMEM);
	failing_alloc__never();
	assert_set(set, before);
	mapping_set__free(set);
}

static void print_to(const struct mapping *map, void *context)
{
	print_mapping(map, context);
}

static void test_reads_shared_ones(void **state)
{
	static char maps[] = "1000-2000 rw-p 00000000 00:01 5    /private\n"
			     "2000-3000 rw-s 00000000 00:01 6    /memfd:x (deleted)\n"
			     "3000-4000 r-xs 00001000 00:01 6    /memfd:x (deleted)\n"
			     "4000-5000 rw-\n"
			     "5000-6000 rw-s 00000000 00:01 7";
	FILE *file = fmemopen(maps, strlen(maps), "r"), *stream;
	char *text = NULL;
	size_t length;

	(void)state;
	stream = open_memstream(&text, &length);
	assert_int_equal(mapping__read_lines(file, MAPPINGS_SHARED, print_to, stream), 0);
	fclose(file);
	fclose(stream);
	assert_string_equal(text, "2000-3000@0 /memfd:x (deleted);"
				  "3000-4000@1000 /memfd:x (deleted);5000-6000@0 ;");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sorts_and_finds),
		cmocka_unit_test(test_overlaps_cut),
		cmocka_unit_test(test_matches_a_page_array),
		cmocka_unit_test(test_refuses_bad_ranges),
		cmocka_unit_test(test_is_bounded),
		cmocka_unit_test(test_each_stops),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_clone_is_independent),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_reads_maps),
		cmocka_unit_test(test_skips_what_is_no_mapping),
		cmocka_unit_test(test_survives_long_lines_and_nul),
		cmocka_unit_test(test_reads_our_own_maps),
		cmocka_unit_test(test_reads_shared_ones),
		cmocka_unit_test(test_room_for_all),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests_name("mapping", tests, NULL, NULL);
}
