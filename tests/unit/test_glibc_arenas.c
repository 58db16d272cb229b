// SPDX-License-Identifier: GPL-2.0
/* glibc_arenas.h over made-up memory: each feature of glibc's heaps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above before it. */
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "failing_alloc.h"
#include "leaks/glibc_arenas.h"
#include "made_arenas.h"

static struct made_memory memory;
static struct glibc_arenas arenas;

static int begin(void **state)
{
	(void)state;
	memory = (struct made_memory){ 0 };
	made_memory__add_usual(&memory);
	return 0;
}

static int end(void **state)
{
	(void)state;
	made_memory__free(&memory);
	return 0;
}

static struct made_heap begin_main(enum made_version version)
{
	return made_heap__main(&memory, version, MADE_MAIN_ARENA, MADE_HEAP,
			       MADE_HEAP + MADE_HEAP_BYTES);
}

static int read_arenas(const struct leak_block *known, size_t nr_known)
{
	return made_memory__find_arenas(&memory, &arenas, known, nr_known);
}

static void check_unknown(size_t i, uint64_t start, uint64_t bytes)
{
	assert_true(i < arenas.unknown.nr);
	assert_int_equal(arenas.unknown.list[i].start, start);
	assert_int_equal(arenas.unknown.list[i].end, start + bytes);
}

static void test_no_arena(void **state)
{
	(void)state;
	assert_int_equal(read_arenas(NULL, 0), 0);
	assert_int_equal(arenas.state, ARENAS_NONE);
	assert_int_equal(arenas.owned.nr, 0);
	glibc_arenas__free(&arenas);
}

static void test_main_heap(void **state)
{
	(void)state;
	for (enum made_version version = MADE_2_26; version <= MADE_2_35; version++) {
		struct made_heap heap = begin_main(version);
		uint64_t known = made_heap__chunk(&heap, 0x40, true);
		uint64_t unknown = made_heap__chunk(&heap, 0x500, true);
		uint64_t last;
		struct leak_block block = { .address = known, .size_bytes = 0x31 };

		made_heap__chunk(&heap, 0x600, false);
		last = made_heap__chunk(&heap, 0x20, true);
		made_heap__top(&heap);
		assert_int_equal(read_arenas(&block, 1), 0);
		assert_int_equal(arenas.state, ARENAS_WALKED);
		assert_int_equal(arenas.owned.nr, 2);
		assert_int_equal(arenas.owned.list[0].start, MADE_HEAP);
		assert_int_equal(arenas.owned.list[0].end, MADE_HEAP + MADE_HEAP_BYTES);
		assert_int_equal(arenas.owned.list[1].start, MADE_MAIN_ARENA);
		assert_int_equal(arenas.owned.list[1].end, made_arena__system_bytes(&heap) + 16);
		assert_int_equal(arenas.unknown.nr, 2);
		check_unknown(0, unknown, 0x4f8);
		check_unknown(1, last, 0x18);
		assert_int_equal(arenas.unknown_bytes, 0x4f8 + 0x18);
		assert_int_equal(arenas.free_chunks, 2);
		assert_int_equal(arenas.free_bytes, MADE_HEAP_BYTES - 0x40 - 0x500 - 0x20);
		glibc_arenas__free(&arenas);
		made_memory__clear(&memory);
	}
}

/* Before any call of malloc. */
static void test_unused_arena(void **state)
{
	struct made_heap heap = begin_main(MADE_2_35);

	(void)state;
	made_memory__set(&memory, made_arena__system_bytes(&heap), 0);
	assert_int_equal(read_arenas(NULL, 0), 0);
	assert_int_equal(arenas.state, ARENAS_WALKED);
	assert_int_equal(arenas.owned.nr, 1);
	assert_int_equal(arenas.owned.list[0].start, MADE_MAIN_ARENA);
	glibc_arenas__free(&arenas);
}

/* Full bins, and one whose two words are just being changed. */
static void test_bins(void **state)
{
	struct made_heap heap = begin_main(MADE_2_27);

	(void)state;
	made_heap__top(&heap);
	for (size_t i = 0; i < 127; i++) {
		made_memory__set(&memory, made_arena__bin(&heap, i), MADE_HEAP + 0x100);
		if (i != 90)
			made_memory__set(&memory, made_arena__bin(&heap, i) + 8, MADE_HEAP + 0x100);
	}
	made_memory__set(&memory, made_arena__bin(&heap, 100), made_arena__bin(&heap, 100) - 16);
	made_memory__set(&memory, made_arena__bin(&heap, 100) + 8,
			 made_arena__bin(&heap, 100) - 16);
	assert_int_equal(read_arenas(NULL, 0), 0);
	assert_int_equal(arenas.state, ARENAS_WALKED);
	glibc_arenas__free(&arenas);
	/* Odd words are in no list. */
	made_memory__set(&memory, made_arena__bin(&heap, 50), MADE_HEAP + 0x101);
	assert_int_equal(read_arenas(NULL, 0), 0);
	assert_int_equal(arenas.state, ARENAS_NONE);
	glibc_arenas__free(&arenas);
}

static void test_arenas_of_threads(void **state)
{
	(void)state;
	for (enum made_version version = MADE_2_26; version <= MADE_2_35; version++) {
		struct made_heap heap = begin_main(version), first, more;
		uint64_t unknown[3];

		made_heap__top(&heap);
		first = made_heap__first(&heap, MADE_ARENA_HEAP, MADE_ARENA_HEAP_BYTES);
		unknown[0] = made_heap__chunk(&first, 0x100, true);
		unknown[1] = made_heap__chunk(&first, 0x30, true);
		made_heap__fence(&first);
		more = made_heap__more(&first, MADE_MORE_HEAP, MADE_ARENA_HEAP_BYTES);
		unknown[2] = made_heap__chunk(&more, 0x30, true);
		made_heap__top(&more);
		assert_int_equal(read_arenas(NULL, 0), 0);
		assert_int_equal(arenas.state, ARENAS_WALKED);
		assert_int_equal(arenas.owned.nr, 4);
		assert_true(made_ranges__cover(&arenas.owned, MADE_ARENA_HEAP,
					       MADE_ARENA_HEAP + MADE_ARENA_HEAP_BYTES));
		assert_true(made_ranges__cover(&arenas.owned, MADE_MORE_HEAP,
					       MADE_MORE_HEAP + MADE_ARENA_HEAP_BYTES));
		assert_int_equal(arenas.unknown.nr, 3);
		check_unknown(0, unknown[0], 0xf8);
		check_unknown(1, unknown[1], 0x28);
		check_unknown(2, unknown[2], 0x28);
		assert_int_equal(arenas.free_chunks, 3);
		glibc_arenas__free(&arenas);
		/* A heap that says it is another arena's is left out. */
		made_memory__set(&memory, MADE_MORE_HEAP, first.arena + 16);
		assert_int_equal(read_arenas(NULL, 0), 0);
		assert_int_equal(arenas.state, ARENAS_PARTLY);
		assert_false(made_ranges__touch(&arenas.owned, MADE_ARENA_HEAP, MADE_MAPPINGS));
		assert_int_equal(arenas.unknown.nr, 0);
		glibc_arenas__free(&arenas);
		made_memory__clear(&memory);
	}
}

/* An allocator of the program's own deals out parts of a chunk. */
static void test_blocks_inside_a_chunk(void **state)
{
	struct made_heap heap = begin_main(MADE_2_35);
	uint64_t pool = made_heap__chunk(&heap, 0x210, true);
	uint64_t next = made_heap__chunk(&heap, 0x110, true);
	uint64_t stale = made_heap__chunk(&heap, 0x110, true);
	struct leak_block known[] = {
		{ .address = pool + 0x20, .size_bytes = 0x1d },
		{ .address = pool + 0x40, .size_bytes = 0x40 },
		{ .address = pool + 0x1f0, .size_bytes = 0x40 },
		{ .address = stale, .size_bytes = 0x10 },
	};

	(void)state;
	made_heap__top(&heap);
	assert_int_equal(read_arenas(known, 4), 0);
	assert_int_equal(arenas.state, ARENAS_WALKED);
	assert_int_equal(arenas.unknown.nr, 4);
	check_unknown(0, pool, 0x20);
	check_unknown(1, pool + 0x80, 0x170);
	check_unknown(2, next + 0x20, 0xe8);
	check_unknown(3, stale + 0x10, 0xf8);
	glibc_arenas__free(&arenas);
	/* A small gap after a block that is not the chunk's first. */
	known[0] = (struct leak_block){ .address = next + 0x20, .size_bytes = 0xc8 };
	assert_int_equal(read_arenas(known, 1), 0);
	assert_int_equal(arenas.unknown.nr, 4);
	check_unknown(1, next, 0x20);
	check_unknown(2, next + 0xe8, 0x20);
	glibc_arenas__free(&arenas);
	known[0].address = pool + 0x20;
	/* Blocks whose sizes can't be. */
	known[0].size_bytes = UINT64_MAX;
	assert_int_equal(read_arenas(known, 1), 0);
	assert_int_equal(arenas.unknown.nr, 1);
	check_unknown(0, pool, 0x20);
	glibc_arenas__free(&arenas);
}

static void write_mapping(uint64_t chunk, uint64_t skipped, uint64_t size)
{
	made_memory__set(&memory, chunk, skipped);
	made_memory__set(&memory, chunk + 8, size);
}

static void test_mmapped(void **state)
{
	struct made_heap heap = begin_main(MADE_2_35);
	struct leak_block known[] = {
		{ .address = MADE_MAPPINGS + 0x10, .size_bytes = 0x10000 },
		{ .address = MADE_MAPPINGS + 0x14000, .size_bytes = 0xf000 },
		{ .address = MADE_MAPPINGS + 0x30010, .size_bytes = 0x2000 },
	};

	(void)state;
	made_heap__top(&heap);
	write_mapping(MADE_MAPPINGS, 0, 0x11002);
	write_mapping(MADE_MAPPINGS + 0x13ff0, 0x2ff0, 0xf012);
	write_mapping(MADE_MAPPINGS + 0x30000, 0, 0x3002);
	assert_int_equal(read_arenas(known, 3), 0);
	assert_int_equal(arenas.state, ARENAS_WALKED);
	assert_int_equal(arenas.owned.nr, 4);
	assert_true(made_ranges__cover(&arenas.owned, MADE_MAPPINGS, MADE_MAPPINGS + 0x23000));
	assert_false(made_ranges__touch(&arenas.owned, MADE_MAPPINGS + 0x23000,
					MADE_MAPPINGS + 0x30000));
	assert_true(made_ranges__cover(&arenas.owned, MADE_MAPPINGS + 0x30000,
				       MADE_MAPPINGS + 0x33000));
	assert_int_equal(arenas.mapped_ends.nr, 2);
	assert_true(made_ranges__cover(&arenas.mapped_ends, MADE_MAPPINGS + 0x10010,
				       MADE_MAPPINGS + 0x11000));
	assert_true(made_ranges__cover(&arenas.mapped_ends, MADE_MAPPINGS + 0x32010,
				       MADE_MAPPINGS + 0x33000));
	glibc_arenas__free(&arenas);
	/* Not mmapped; much larger than the block; over the area's end; no whole pages. */
	write_mapping(MADE_MAPPINGS, 0, 0x11001);
	write_mapping(MADE_MAPPINGS + 0x13ff0, 0x2ff0, 0x1b012);
	known[2].size_bytes = 0x10000;
	write_mapping(MADE_MAPPINGS + 0x30000, 0, 0x11002);
	assert_int_equal(read_arenas(known, 3), 0);
	assert_int_equal(arenas.owned.nr, 2);
	glibc_arenas__free(&arenas);
	/* Before it there is another block. */
	known[0].size_bytes = 0x13000;
	write_mapping(MADE_MAPPINGS + 0x13ff0, 0x2ff0, 0xf012);
	assert_int_equal(read_arenas(known, 2), 0);
	assert_int_equal(arenas.owned.nr, 2);
	glibc_arenas__free(&arenas);
	known[0].size_bytes = 0x10000;
	write_mapping(MADE_MAPPINGS, 0, 0x10802);
	assert_int_equal(read_arenas(known, 1), 0);
	assert_int_equal(arenas.owned.nr, 2);
	glibc_arenas__free(&arenas);
}

/* After dlmopen(): the second libc can't use brk. */
static void test_two_libcs(void **state)
{
	struct made_heap heap = begin_main(MADE_2_35), second;
	uint64_t user;

	(void)state;
	made_heap__top(&heap);
	second = made_heap__main(&memory, MADE_2_35, MADE_DATA + 0x3000, MADE_MAPPINGS + 0x1000,
				 MADE_MAPPINGS + 0x21000);
	user = made_heap__chunk(&second, 0x100, true);
	made_heap__top(&second);
	assert_int_equal(read_arenas(NULL, 0), 0);
	assert_int_equal(arenas.state, ARENAS_WALKED);
	assert_int_equal(arenas.unknown.nr, 1);
	check_unknown(0, user, 0xf8);
	assert_true(
		made_ranges__cover(&arenas.owned, MADE_MAPPINGS + 0x1000, MADE_MAPPINGS + 0x21000));
	assert_false(made_ranges__touch(&arenas.owned, MADE_MAPPINGS, MADE_MAPPINGS + 0x1000));
	assert_int_equal(arenas.owned.nr, 4);
	glibc_arenas__free(&arenas);
	/* More than one mapping: where they begin is not known. */
	made_memory__set(&memory, made_arena__system_bytes(&second), 0x21000);
	assert_int_equal(read_arenas(NULL, 0), 0);
	assert_int_equal(arenas.state, ARENAS_PARTLY);
	assert_false(made_ranges__touch(&arenas.owned, MADE_MAPPINGS, MADE_MAPPINGS + 0x40000));
	glibc_arenas__free(&arenas);
	made_memory__set(&memory, made_arena__system_bytes(&second), 0x20000 - 0x100);
	assert_int_equal(read_arenas(NULL, 0), 0);
	assert_int_equal(arenas.state, ARENAS_PARTLY);
	assert_false(made_ranges__touch(&arenas.owned, MADE_MAPPINGS, MADE_MAPPINGS + 0x40000));
	glibc_arenas__free(&arenas);
}

/* A mapping of a file, shared or read-only, holds no libc's data. */
static void test_other_areas(void **state)
{
	struct made_heap heap = begin_main(MADE_2_35);

	(void)state;
	made_heap__top(&heap);
	memory.areas[4].shared = true;
	assert_int_equal(read_arenas(NULL, 0), 0);
	assert_int_equal(arenas.state, ARENAS_NONE);
	glibc_arenas__free(&arenas);
	memory.areas[4].shared = false;
	memory.areas[4].writable = false;
	assert_int_equal(read_arenas(NULL, 0), 0);
	assert_int_equal(arenas.state, ARENAS_NONE);
	glibc_arenas__free(&arenas);
}

static void test_out_of_memory(void **state)
{
	struct made_heap heap = begin_main(MADE_2_35), first;
	struct leak_block known = { .address = MADE_MAPPINGS + 0x10, .size_bytes = 0x10000 };
	long nr = 0;
	int err;

	(void)state;
	made_heap__chunk(&heap, 0x100, true);
	made_heap__top(&heap);
	first = made_heap__first(&heap, MADE_ARENA_HEAP, MADE_ARENA_HEAP_BYTES);
	made_heap__top(&first);
	write_mapping(MADE_MAPPINGS, 0, 0x11002);
	do {
		failing_alloc__after(nr++);
		err = read_arenas(&known, 1);
		failing_alloc__never();
		assert_true(!err || err == -ENOMEM);
		if (err)
			assert_null(arenas.owned.list);
	} while (err);
	assert_true(nr > 6);
	assert_int_equal(arenas.state, ARENAS_WALKED);
	glibc_arenas__free(&arenas);
}

/* Nothing of a device is read, wherever it lies. */
static void test_devices_are_not_read(void **state)
{
	struct made_memory mixed = { 0 };
	struct made_heap heap;

	(void)state;
	made_memory__add(&mixed, MADE_HEAP, 0x21000, AREA_HEAP);
	made_memory__add(&mixed, MADE_HEAP + 0x21000, 0x4000, AREA_DEVICE);
	made_memory__add(&mixed, MADE_DATA, MADE_DATA_BYTES, AREA_FILE);
	made_memory__add(&mixed, MADE_DATA + MADE_DATA_BYTES, 0x4000, AREA_DEVICE);
	heap = made_heap__main(&mixed, MADE_2_35, MADE_MAIN_ARENA, MADE_HEAP, MADE_HEAP + 0x21000);
	for (size_t i = 0; i < 2000; i++)
		made_heap__chunk(&heap, i % 2 ? 0x20 : 0x30, true);
	made_heap__chunk(&heap, 0x290, true);
	made_heap__top(&heap);
	assert_int_equal(made_memory__find_arenas(&mixed, &arenas, NULL, 0), 0);
	assert_int_equal(arenas.state, ARENAS_WALKED);
	assert_int_equal(mixed.nr_device_reads, 0);
	glibc_arenas__free(&arenas);
	made_memory__free(&mixed);
}

/* Headers are read in large pieces, and large chunks are skipped. */
static void test_few_reads(void **state)
{
	uint64_t start = MADE_HEAP - ((uint64_t)256 << 20);
	struct made_memory large = { 0 };
	struct memory_reader reader = made_memory__reader(&large);
	struct process_areas areas;
	struct made_heap heap;

	(void)state;
	made_memory__add(&large, start, (size_t)64 << 20, AREA_HEAP);
	made_memory__add(&large, MADE_DATA, 0x4000, AREA_FILE);
	heap = made_heap__main(&large, MADE_2_35, MADE_MAIN_ARENA, start,
			       start + ((uint64_t)64 << 20));
	for (size_t i = 0; i < 1000000; i++)
		made_heap__chunk(&heap, 0x30, i % 3 != 0);
	for (size_t i = 0; i < 100; i++)
		made_heap__chunk(&heap, 0x20000, i % 3 != 1);
	made_heap__top(&heap);
	areas = made_memory__areas(&large);
	assert_int_equal(glibc_arenas__read(&arenas, &reader, &areas, NULL, 0), 0);
	assert_int_equal(arenas.state, ARENAS_WALKED);
	assert_int_equal(arenas.unknown.nr, 666666 + 67);
	assert_true(large.nr_reads < 48 + 100 + 50);
	glibc_arenas__free(&arenas);
	made_memory__free(&large);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_no_arena, begin, end),
		cmocka_unit_test_setup_teardown(test_main_heap, begin, end),
		cmocka_unit_test_setup_teardown(test_unused_arena, begin, end),
		cmocka_unit_test_setup_teardown(test_bins, begin, end),
		cmocka_unit_test_setup_teardown(test_arenas_of_threads, begin, end),
		cmocka_unit_test_setup_teardown(test_blocks_inside_a_chunk, begin, end),
		cmocka_unit_test_setup_teardown(test_mmapped, begin, end),
		cmocka_unit_test_setup_teardown(test_two_libcs, begin, end),
		cmocka_unit_test_setup_teardown(test_other_areas, begin, end),
		cmocka_unit_test_setup_teardown(test_out_of_memory, begin, end),
		cmocka_unit_test(test_devices_are_not_read),
		cmocka_unit_test(test_few_reads),
	};

	return cmocka_run_group_tests_name("glibc_arenas", tests, NULL, NULL);
}
