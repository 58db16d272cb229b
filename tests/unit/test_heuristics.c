// SPDX-License-Identifier: GPL-2.0
/*
 * heuristics.h: each rule holds for the layout that it is made for, and for nothing that differs
 * from it by one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above before it. */
#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#include "leaks/heuristics.h"

#define BLOCK 0x100000
#define CODE 0x400000 /* executable, of a file */
#define TABLES 0x600000 /* of a file */
#define CODE_MADE 0x800000 /* executable, of no file */
#define AREA_BYTES 0x1000

/* Four areas with memory of their own. */
static uint64_t block_words[AREA_BYTES / 8], table_words[AREA_BYTES / 8];
static uint64_t nr_readable_bytes; /* of the block */

static size_t read_fake(void *context, uint64_t address, void *buffer, size_t size)
{
	(void)context;
	if (address >= BLOCK && size <= nr_readable_bytes &&
	    address - BLOCK <= nr_readable_bytes - size) {
		memcpy(buffer, (char *)block_words + (address - BLOCK), size);
		return size;
	}
	if (address >= TABLES && address + size <= TABLES + AREA_BYTES) {
		memcpy(buffer, (char *)table_words + (address - TABLES), size);
		return size;
	}
	return 0;
}

static struct area areas[] = {
	{ .start = BLOCK, .end = BLOCK + AREA_BYTES, .readable = true, .writable = true },
	{ .start = CODE,
	  .end = CODE + AREA_BYTES,
	  .kind = AREA_FILE,
	  .readable = true,
	  .executable = true },
	{ .start = TABLES, .end = TABLES + AREA_BYTES, .kind = AREA_FILE, .readable = true },
	{ .start = CODE_MADE, .end = CODE_MADE + AREA_BYTES, .readable = true, .executable = true },
};

static enum leak_heuristic match_of(unsigned int allowed, uint64_t size_bytes, uint64_t offset)
{
	static const struct memory_reader memory = { .read = read_fake };
	const struct process_areas process_areas = { .list = areas,
						     .nr = sizeof(areas) / sizeof(*areas) };
	const struct leak_block block = { .address = BLOCK, .size_bytes = size_bytes };

	return heuristics__match(allowed, &block, BLOCK + offset, &memory, &process_areas);
}

static enum leak_heuristic match(uint64_t size_bytes, uint64_t offset)
{
	return match_of(LEAK_HEURISTICS_ALL, size_bytes, offset);
}

static int begin(void **state)
{
	(void)state;
	memset(block_words, 0, sizeof(block_words));
	memset(table_words, 0, sizeof(table_words));
	nr_readable_bytes = sizeof(block_words);
	areas[2].readable = true;
	areas[2].kind = AREA_FILE;
	return 0;
}

static void test_string(void **state)
{
	(void)state;
	block_words[0] = 5;
	block_words[1] = 10;
	assert_int_equal(match(35, 24), HEURISTIC_STDSTRING);
	/* The block must have just the room that it says. */
	assert_int_equal(match(34, 24), NR_LEAK_HEURISTICS);
	assert_int_equal(match(36, 24), NR_LEAK_HEURISTICS);
	/* The pointer must be to the characters. */
	assert_int_equal(match(35, 23), NR_LEAK_HEURISTICS);
	assert_int_equal(match(35, 25), NR_LEAK_HEURISTICS);
	assert_int_equal(match(35, 16), NR_LEAK_HEURISTICS);
	block_words[0] = 10;
	assert_int_equal(match(35, 24), HEURISTIC_STDSTRING);
	block_words[0] = 11;
	assert_int_equal(match(35, 24), NR_LEAK_HEURISTICS);
	/* An empty string of no capacity. */
	block_words[0] = block_words[1] = 0;
	assert_int_equal(match(25, 24), HEURISTIC_STDSTRING);
	/* A sum that wraps around: 24 bytes, and the pointer is past the block. */
	block_words[1] = UINT64_MAX;
	assert_int_equal(match(24, 24), NR_LEAK_HEURISTICS);
}

static void test_length(void **state)
{
	(void)state;
	block_words[0] = 92;
	assert_int_equal(match(100, 8), HEURISTIC_LENGTH64);
	assert_int_equal(match_of(LEAK_HEURISTIC_BIT(HEURISTIC_LENGTH64), 100, 8),
			 HEURISTIC_LENGTH64);
	assert_int_equal(match_of(LEAK_HEURISTIC_BIT(HEURISTIC_LENGTH64), 101, 8),
			 NR_LEAK_HEURISTICS);
	assert_int_equal(match_of(LEAK_HEURISTIC_BIT(HEURISTIC_LENGTH64), 99, 8),
			 NR_LEAK_HEURISTICS);
	assert_int_equal(match(100, 7), NR_LEAK_HEURISTICS);
	assert_int_equal(match(100, 9), NR_LEAK_HEURISTICS);
	assert_int_equal(match(100, 16), NR_LEAK_HEURISTICS);
	/* The array's rule holds for the same block, but comes later. */
	assert_int_equal(match_of(LEAK_HEURISTIC_BIT(HEURISTIC_NEWARRAY), 100, 8),
			 HEURISTIC_NEWARRAY);
}

static void test_array(void **state)
{
	(void)state;
	block_words[0] = 4;
	assert_int_equal(match(8 + 4 * 24, 8), HEURISTIC_NEWARRAY);
	assert_int_equal(match(8 + 4 * 24 + 1, 8), NR_LEAK_HEURISTICS);
	assert_int_equal(match(8 + 4 * 24 - 1, 8), NR_LEAK_HEURISTICS);
	assert_int_equal(match(8 + 4 * 24, 9), NR_LEAK_HEURISTICS);
	assert_int_equal(match(8 + 4 * 24, 16), NR_LEAK_HEURISTICS);
	assert_int_equal(match_of(LEAK_HEURISTICS_ALL & ~LEAK_HEURISTIC_BIT(HEURISTIC_NEWARRAY),
				  8 + 4 * 24, 8),
			 NR_LEAK_HEURISTICS);
	block_words[0] = 0;
	assert_int_equal(match(8 + 4 * 24, 8), NR_LEAK_HEURISTICS);
	/* More items than bytes. */
	block_words[0] = 200;
	assert_int_equal(match(8 + 4 * 24, 8), NR_LEAK_HEURISTICS);
}

/* A block with two parents whose vtables have two functions each, after zeros. */
static void make_object(void)
{
	block_words[0] = TABLES;
	block_words[4] = TABLES + 0x100;
	table_words[0] = CODE;
	table_words[1] = CODE + 8;
	table_words[0x100 / 8 + 1] = CODE + 1;
	table_words[0x100 / 8 + 20] = CODE + AREA_BYTES - 1;
}

static void test_parents(void **state)
{
	(void)state;
	make_object();
	assert_int_equal(match(48, 32), HEURISTIC_MULTIPLE_INHERITANCE);
	assert_int_equal(match(40, 32), HEURISTIC_MULTIPLE_INHERITANCE);
	/* The word must be the block's, and aligned. */
	assert_int_equal(match(39, 32), NR_LEAK_HEURISTICS);
	assert_int_equal(match(48, 33), NR_LEAK_HEURISTICS);
	assert_int_equal(match(48, 24), NR_LEAK_HEURISTICS);
	assert_int_equal(match_of(LEAK_HEURISTICS_ALL &
					  ~LEAK_HEURISTIC_BIT(HEURISTIC_MULTIPLE_INHERITANCE),
				  48, 32),
			 NR_LEAK_HEURISTICS);
	/* Both words must be vtables' addresses. */
	block_words[0] = 0;
	assert_int_equal(match(48, 32), NR_LEAK_HEURISTICS);
	block_words[0] = TABLES + 1;
	assert_int_equal(match(48, 32), NR_LEAK_HEURISTICS);
	block_words[0] = BLOCK;
	assert_int_equal(match(48, 32), NR_LEAK_HEURISTICS);
}

static void test_vtables(void **state)
{
	const size_t last = 0x100 / 8 + 20;

	(void)state;
	/* The second function may be the 21st word, and no later one. */
	make_object();
	assert_int_equal(match(48, 32), HEURISTIC_MULTIPLE_INHERITANCE);
	table_words[last + 1] = table_words[last];
	table_words[last] = 0;
	assert_int_equal(match(48, 32), NR_LEAK_HEURISTICS);
	/* A word that is no function's address comes first. */
	make_object();
	table_words[0x100 / 8 + 7] = TABLES;
	assert_int_equal(match(48, 32), NR_LEAK_HEURISTICS);
	table_words[0x100 / 8 + 7] = CODE_MADE;
	assert_int_equal(match(48, 32), NR_LEAK_HEURISTICS);
	table_words[0x100 / 8 + 7] = CODE + AREA_BYTES;
	assert_int_equal(match(48, 32), NR_LEAK_HEURISTICS);
	table_words[0x100 / 8 + 7] = 0;
	assert_int_equal(match(48, 32), HEURISTIC_MULTIPLE_INHERITANCE);
	/* Vtables are in memory of files, which can be read. */
	areas[2].readable = false;
	assert_int_equal(match(48, 32), NR_LEAK_HEURISTICS);
	areas[2].readable = true;
	areas[2].kind = AREA_ANONYMOUS;
	assert_int_equal(match(48, 32), NR_LEAK_HEURISTICS);
}

/* As in Valgrind, the last word of a mapping is none of a vtable's. */
static void test_vtable_at_an_end(void **state)
{
	const size_t nr = AREA_BYTES / 8;

	(void)state;
	make_object();
	block_words[4] = TABLES + AREA_BYTES - 24;
	table_words[nr - 3] = table_words[nr - 2] = CODE;
	assert_int_equal(match(48, 32), HEURISTIC_MULTIPLE_INHERITANCE);
	table_words[nr - 2] = 0;
	table_words[nr - 1] = CODE;
	assert_int_equal(match(48, 32), NR_LEAK_HEURISTICS);
	block_words[4] = TABLES + AREA_BYTES - 8;
	assert_int_equal(match(48, 32), NR_LEAK_HEURISTICS);
	block_words[4] = TABLES + AREA_BYTES;
	assert_int_equal(match(48, 32), NR_LEAK_HEURISTICS);
}

static void test_unreadable_memory_matches_nothing(void **state)
{
	(void)state;
	block_words[0] = 92;
	nr_readable_bytes = 7;
	assert_int_equal(match(100, 8), NR_LEAK_HEURISTICS);
	nr_readable_bytes = 8;
	assert_int_equal(match(100, 8), HEURISTIC_LENGTH64);
	block_words[0] = 5;
	block_words[1] = 10;
	assert_int_equal(match(35, 24), NR_LEAK_HEURISTICS);
	nr_readable_bytes = 16;
	assert_int_equal(match(35, 24), HEURISTIC_STDSTRING);
	make_object();
	nr_readable_bytes = 39;
	assert_int_equal(match(48, 32), NR_LEAK_HEURISTICS);
	nr_readable_bytes = 40;
	assert_int_equal(match(48, 32), HEURISTIC_MULTIPLE_INHERITANCE);
}

static void test_pointers_outside_match_nothing(void **state)
{
	(void)state;
	block_words[0] = 1;
	assert_int_equal(match(16, 8), HEURISTIC_NEWARRAY);
	assert_int_equal(match(16, 0), NR_LEAK_HEURISTICS);
	assert_int_equal(match(8, 8), NR_LEAK_HEURISTICS);
	assert_int_equal(match(0, 8), NR_LEAK_HEURISTICS);
	assert_int_equal(match(16, -8), NR_LEAK_HEURISTICS);
	assert_int_equal(match_of(0, 16, 8), NR_LEAK_HEURISTICS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_string, begin),
		cmocka_unit_test_setup(test_length, begin),
		cmocka_unit_test_setup(test_array, begin),
		cmocka_unit_test_setup(test_parents, begin),
		cmocka_unit_test_setup(test_vtables, begin),
		cmocka_unit_test_setup(test_vtable_at_an_end, begin),
		cmocka_unit_test_setup(test_unreadable_memory_matches_nothing, begin),
		cmocka_unit_test_setup(test_pointers_outside_match_nothing, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
