// SPDX-License-Identifier: GPL-2.0
/* chunk_caches.h, as a part of glibc_arenas.h, over made-up memory: what is free but looks in use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above before it. */
#include <cmocka.h>
#include <string.h>

#include "leaks/glibc_arenas.h"
#include "made_arenas.h"

#define HEAP 0x555500000000ULL
#define HEAP_BYTES 0x8000
#define MAIN_ARENA 0x7f0010000ce0ULL
#define DATA 0x7f0010000000ULL
#define NR_USERS 9

/* A thread's cache: the bytes of its chunk, of a count, and how many bins. */
struct version {
	enum made_version arena;
	uint64_t cache_bytes;
	size_t nr_bins, count_bytes;
	bool is_mangled, counts_room;
};

static const struct version versions[] = {
	{ MADE_2_26, 0x250, 64, 1, false, false }, { MADE_2_27, 0x250, 64, 1, false, false },
	{ MADE_2_27, 0x290, 64, 2, false, false }, { MADE_2_27, 0x290, 64, 2, true, false },
	{ MADE_2_35, 0x290, 64, 2, true, false },  { MADE_2_35, 0x2a0, 64, 2, true, false },
	{ MADE_2_35, 0x300, 76, 2, true, true },
};
#define NR_VERSIONS (sizeof(versions) / sizeof(*versions))
#define NEWEST (&versions[4])

static struct made_memory memory;
static struct made_heap heap;
static const struct version *version;
static uint64_t cache, users[NR_USERS];
static unsigned int nr_fillers;
static struct glibc_arenas arenas;

/* A cache, fillers, and chunks of 0x30, 0x40, 0x50 bytes and again. */
static void begin_version(const struct version *which)
{
	version = which;
	memory = (struct made_memory){ 0 };
	made_memory__add(&memory, HEAP, HEAP_BYTES, AREA_HEAP);
	made_memory__add(&memory, DATA, 0x2000, AREA_FILE);
	heap = made_heap__main(&memory, version->arena, MAIN_ARENA, HEAP, HEAP + HEAP_BYTES);
	cache = made_heap__chunk(&heap, version->cache_bytes, true);
	for (unsigned int i = 0; i < nr_fillers; i++)
		made_heap__chunk(&heap, 0x20, true);
	for (size_t i = 0; i < NR_USERS; i++)
		users[i] = made_heap__chunk(&heap, 0x30 + 0x10 * (i % 3), true);
	made_heap__top(&heap);
	for (size_t i = 0; i < version->nr_bins && version->counts_room; i++)
		memory.bytes[0][16 + 2 * i] = 7;
}

static int begin_newest(void **state)
{
	(void)state;
	begin_version(NEWEST);
	return 0;
}

static int end(void **state)
{
	(void)state;
	made_memory__free(&memory);
	return 0;
}

static void set_count(size_t bin, unsigned int nr)
{
	uint8_t *counts = memory.bytes[0] + (cache - HEAP);

	counts[bin * version->count_bytes] = version->counts_room ? 7 - nr : nr;
}

static uint64_t entry_of(size_t bin)
{
	return cache + version->nr_bins * version->count_bytes + 8 * bin;
}

/* Puts chunks of one size into the bin of that size. */
static void fill_bin(size_t bin, const uint64_t *members, size_t nr)
{
	made_memory__set(&memory, entry_of(bin),
			 made_list__link(&memory, members, nr, version->is_mangled, false));
	set_count(bin, nr);
}

static void read_some_arenas(const struct leak_block *known, size_t nr_known)
{
	struct memory_reader reader = made_memory__reader(&memory);
	struct process_areas areas = made_memory__areas(&memory);

	assert_int_equal(glibc_arenas__read(&arenas, &reader, &areas, known, nr_known), 0);
	assert_int_not_equal(arenas.state, ARENAS_NONE);
}

/* All of the heap is the allocator's. */
static void read_arenas(const struct leak_block *known, size_t nr_known)
{
	read_some_arenas(known, nr_known);
	assert_int_equal(arenas.owned.list[0].start, HEAP);
	assert_int_equal(arenas.owned.list[0].end, HEAP + HEAP_BYTES);
}

static bool is_unknown(uint64_t user)
{
	for (size_t i = 0; i < arenas.unknown.nr; i++)
		if (arenas.unknown.list[i].start == user)
			return true;
	return false;
}

/* How many of the chunks are unknown, with the cache. */
static void check_unknown(size_t nr, bool with_cache)
{
	assert_int_equal(arenas.unknown.nr, nr);
	assert_int_equal(is_unknown(cache), with_cache);
}

static void test_thread_cache(void **state)
{
	(void)state;
	for (size_t i = 0; i < NR_VERSIONS; i++) {
		begin_version(&versions[i]);
		fill_bin(1, (uint64_t[]){ users[3], users[0], users[6] }, 3);
		fill_bin(2, (uint64_t[]){ users[7] }, 1);
		read_arenas(NULL, 0);
		assert_int_equal(arenas.state, ARENAS_WALKED);
		check_unknown(NR_USERS - 4, false);
		for (size_t k = 0; k < NR_USERS; k++)
			assert_int_equal(is_unknown(users[k]),
					 k == 1 || k == 2 || k == 4 || k == 5 || k == 8);
		assert_int_equal(arenas.free_chunks, 1 + 4);
		assert_int_equal(arenas.free_bytes, HEAP + HEAP_BYTES - heap.at + 3 * 0x30 + 0x40);
		glibc_arenas__free(&arenas);
		made_memory__free(&memory);
	}
}

static void test_empty_cache(void **state)
{
	(void)state;
	for (size_t i = 0; i < NR_VERSIONS; i++) {
		begin_version(&versions[i]);
		read_arenas(NULL, 0);
		assert_int_equal(arenas.state, ARENAS_WALKED);
		check_unknown(NR_USERS, false);
		glibc_arenas__free(&arenas);
		/* After a cache's last word there is room for a pointer of the program's. */
		made_memory__set(&memory, cache + version->cache_bytes - 16, users[0]);
		read_arenas(NULL, 0);
		check_unknown(NR_USERS + 1, true);
		glibc_arenas__free(&arenas);
		made_memory__free(&memory);
	}
}

/* What only looks like a cache is the program's, and all that it points to. */
static void check_no_cache(void)
{
	read_arenas(NULL, 0);
	check_unknown(NR_USERS + 1, true);
	glibc_arenas__free(&arenas);
}

static void test_no_cache(void **state)
{
	(void)state;
	/* A pointer alone, with a link that ends. */
	fill_bin(1, users, 1);
	set_count(1, 0);
	check_no_cache();
	/* Too many, too few. */
	fill_bin(1, (uint64_t[]){ users[3], users[0] }, 2);
	set_count(1, 8);
	check_no_cache();
	set_count(1, 0);
	check_no_cache();
	/* A list without an end, of the right length. */
	made_memory__set(&memory, users[0], users[3] ^ users[0] >> 12);
	set_count(1, 2);
	check_no_cache();
	/* Of another size. */
	fill_bin(1, (uint64_t[]){ users[3], users[1] }, 2);
	check_no_cache();
	/* No chunk's start; outside of the heap. */
	fill_bin(1, (uint64_t[]){ users[3], users[0] + 16 }, 2);
	check_no_cache();
	fill_bin(1, (uint64_t[]){ users[3], users[0] }, 2);
	made_memory__set(&memory, users[0], MAIN_ARENA ^ users[0] >> 12);
	set_count(1, 3);
	check_no_cache();
	/* Itself. */
	fill_bin(1, users, 1);
	fill_bin((0x290 - 0x20) / 16, &cache, 1);
	check_no_cache();
}

/* Its thread was stopped between a list's change and that of its count. */
static void test_cache_in_change(void **state)
{
	(void)state;
	fill_bin(1, (uint64_t[]){ users[3], users[0], users[6] }, 3);
	fill_bin(2, &users[7], 1);
	set_count(1, 2);
	read_arenas(NULL, 0);
	check_unknown(NR_USERS - 4, false);
	glibc_arenas__free(&arenas);
	set_count(1, 4);
	read_arenas(NULL, 0);
	check_unknown(NR_USERS - 4, false);
	glibc_arenas__free(&arenas);
	/* By one member, and in one bin. */
	set_count(1, 1);
	check_no_cache();
	set_count(1, 2);
	set_count(2, 2);
	check_no_cache();
}

/* Its thread ends: the bins are emptied one by one, but not their counts. */
static void test_cache_of_an_ending_thread(void **state)
{
	(void)state;
	for (size_t i = 0; i < NR_VERSIONS; i++) {
		begin_version(&versions[i]);
		fill_bin(2, (uint64_t[]){ users[4], users[1] }, 2);
		fill_bin(3, (uint64_t[]){ users[2], users[5] }, 2);
		set_count(1, 7);
		set_count(2, 5);
		read_arenas(NULL, 0);
		/* Plain links are found like all pointers. */
		check_unknown(version->is_mangled ? NR_USERS - 4 : NR_USERS + 1,
			      !version->is_mangled);
		glibc_arenas__free(&arenas);
		/* From the first one that has any on, all must be right but for one member. */
		set_count(3, 4);
		check_no_cache();
		set_count(3, 2);
		set_count(0, 8);
		check_no_cache();
		made_memory__free(&memory);
	}
}

/* It was all in use: what is left when the last bin is empty looks like any block. */
static void test_emptied_cache(void **state)
{
	(void)state;
	set_count(1, 7);
	set_count(2, 5);
	check_no_cache();
}

/* Freed after the blocks were read. */
static void test_known_member(void **state)
{
	struct leak_block known = { .address = users[0], .size_bytes = 0x28 };

	(void)state;
	fill_bin(1, (uint64_t[]){ users[3], users[0], users[6] }, 3);
	read_arenas(&known, 1);
	check_unknown(NR_USERS - 3, false);
	assert_int_equal(arenas.free_chunks, 1 + 2);
	glibc_arenas__free(&arenas);
}

/* The walk passes over chunks that threads are just changing, and the few between two of these. */
static void test_members_that_were_not_walked(void **state)
{
	(void)state;
	nr_fillers = 40;
	begin_version(NEWEST);
	nr_fillers = 0;
	fill_bin(3, (uint64_t[]){ users[8], users[2], users[5] }, 3);
	made_memory__set(&memory, users[7] - 8, 0x12345);
	made_memory__set(&memory, heap.at + 8, 0x12345);
	read_some_arenas(NULL, 0);
	assert_int_equal(arenas.state, ARENAS_PARTLY);
	assert_false(is_unknown(cache));
	assert_false(is_unknown(users[2]));
	assert_false(is_unknown(users[5]));
	glibc_arenas__free(&arenas);
	/* No chunk of that size lies there. */
	made_memory__set(&memory, users[8] - 8, 0x41);
	read_some_arenas(NULL, 0);
	assert_true(is_unknown(cache));
	assert_true(is_unknown(users[2]));
	glibc_arenas__free(&arenas);
	made_memory__free(&memory);
}

/* Blocks that were freed after they had been read; their memory became a part of a larger chunk. */
static void test_known_blocks_in_a_member(void **state)
{
	struct leak_block known[] = { { .address = users[0] + 0x10, .size_bytes = 8 },
				      { .address = users[0] + 0x20, .size_bytes = 8 } };

	(void)state;
	fill_bin(1, (uint64_t[]){ users[3], users[0], users[6] }, 3);
	read_arenas(known, 2);
	assert_false(is_unknown(cache));
	assert_false(is_unknown(users[3]));
	assert_false(is_unknown(users[6]));
	assert_int_equal(arenas.free_chunks, 1 + 2);
	assert_int_equal(arenas.chunks.nr, NR_USERS - 3);
	glibc_arenas__free(&arenas);
}

static void set_fast_bin(size_t bin, const uint64_t *members, size_t nr)
{
	made_memory__set(&memory, made_arena__fast_bin(&heap, bin),
			 made_list__link(&memory, members, nr, version->is_mangled, true));
}

static void test_fast_bins(void **state)
{
	(void)state;
	for (size_t i = 0; i < NR_VERSIONS; i++) {
		begin_version(&versions[i]);
		set_fast_bin(1, (uint64_t[]){ users[6], users[0] }, 2);
		set_fast_bin(3, (uint64_t[]){ users[2], users[5], users[8] }, 3);
		read_arenas(NULL, 0);
		assert_int_equal(arenas.state, ARENAS_WALKED);
		check_unknown(NR_USERS - 5, false);
		assert_int_equal(arenas.free_chunks, 1 + 5);
		glibc_arenas__free(&arenas);
		made_memory__free(&memory);
	}
}

static void test_fast_bins_damaged(void **state)
{
	(void)state;
	/* Two ends of a circle; a chunk of another size; none at all. */
	set_fast_bin(1, (uint64_t[]){ users[6], users[0], users[6] }, 3);
	made_memory__set(&memory, users[6], (users[0] - 16) ^ users[6] >> 12);
	set_fast_bin(2, (uint64_t[]){ users[1], users[3] }, 2);
	set_fast_bin(3, (uint64_t[]){ users[2] + 8 }, 1);
	read_arenas(NULL, 0);
	assert_int_equal(arenas.state, ARENAS_PARTLY);
	check_unknown(NR_USERS, false);
	glibc_arenas__free(&arenas);
}

/* A chunk is in one list only. */
static void test_lists_that_meet(void **state)
{
	(void)state;
	fill_bin(1, (uint64_t[]){ users[3], users[0] }, 2);
	made_memory__set(&memory, made_arena__fast_bin(&heap, 1), users[3] - 16);
	made_memory__set(&memory, users[3], (users[6] - 16) ^ users[3] >> 12);
	made_memory__set(&memory, users[6], users[6] >> 12);
	read_arenas(NULL, 0);
	check_unknown(NR_USERS - 1, true);
	assert_int_equal(arenas.free_chunks, 1 + 2);
	glibc_arenas__free(&arenas);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_thread_cache),
		cmocka_unit_test(test_empty_cache),
		cmocka_unit_test_setup_teardown(test_no_cache, begin_newest, end),
		cmocka_unit_test_setup_teardown(test_cache_in_change, begin_newest, end),
		cmocka_unit_test(test_cache_of_an_ending_thread),
		cmocka_unit_test_setup_teardown(test_emptied_cache, begin_newest, end),
		cmocka_unit_test_setup_teardown(test_known_member, begin_newest, end),
		cmocka_unit_test(test_members_that_were_not_walked),
		cmocka_unit_test_setup_teardown(test_known_blocks_in_a_member, begin_newest, end),
		cmocka_unit_test(test_fast_bins),
		cmocka_unit_test_setup_teardown(test_lists_that_meet, begin_newest, end),
		cmocka_unit_test_setup_teardown(test_fast_bins_damaged, begin_newest, end),
	};

	return cmocka_run_group_tests_name("chunk_caches", tests, NULL, NULL);
}
