// SPDX-License-Identifier: GPL-2.0
/* glibc_arenas.h over made-up memory that is damaged, or that malloc shares with others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above before it. */
#include <cmocka.h>

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

static void test_heaps_that_are_none(void **state)
{
	struct made_heap heap = begin_main(MADE_2_35), first, more;

	(void)state;
	made_heap__top(&heap);
	first = made_heap__first(&heap, MADE_ARENA_HEAP, MADE_ARENA_HEAP_BYTES);
	made_heap__fence(&first);
	more = made_heap__more(&first, MADE_MORE_HEAP, MADE_ARENA_HEAP_BYTES);
	made_heap__top(&more);
	/* Each heap comes before the other: a circle. */
	made_memory__set(&memory, MADE_MORE_HEAP + 8, MADE_MORE_HEAP);
	assert_int_equal(read_arenas(NULL, 0), 0);
	assert_int_equal(arenas.state, ARENAS_PARTLY);
	assert_false(made_ranges__touch(&arenas.owned, MADE_ARENA_HEAP,
					MADE_ARENA_HEAP + MADE_ARENA_HEAP_BYTES));
	glibc_arenas__free(&arenas);
	made_memory__set(&memory, MADE_MORE_HEAP + 8, MADE_ARENA_HEAP);
	/* A heap is larger than its area. */
	made_memory__set(&memory, MADE_ARENA_HEAP + 16, MADE_ARENA_HEAP_BYTES + 4096);
	assert_int_equal(read_arenas(NULL, 0), 0);
	assert_int_equal(arenas.state, ARENAS_PARTLY);
	assert_false(made_ranges__touch(&arenas.owned, MADE_ARENA_HEAP,
					MADE_ARENA_HEAP + MADE_ARENA_HEAP_BYTES));
	assert_true(made_ranges__cover(&arenas.owned, MADE_MORE_HEAP,
				       MADE_MORE_HEAP + MADE_ARENA_HEAP_BYTES));
	glibc_arenas__free(&arenas);
	made_memory__set(&memory, MADE_ARENA_HEAP + 16, MADE_ARENA_HEAP_BYTES);
	/* An arena that its heap knows nothing of; a ring that does not come back. */
	made_memory__set(&memory, MADE_ARENA_HEAP, MADE_MAIN_ARENA);
	assert_int_equal(read_arenas(NULL, 0), 0);
	assert_int_equal(arenas.state, ARENAS_NONE);
	glibc_arenas__free(&arenas);
	made_memory__set(&memory, MADE_ARENA_HEAP, first.arena);
	made_memory__set(&memory, made_arena__next(&first), first.arena);
	assert_int_equal(read_arenas(NULL, 0), 0);
	assert_int_equal(arenas.state, ARENAS_NONE);
	glibc_arenas__free(&arenas);
}

/* The TLS of a static program lies before the first chunk, and what others got by sbrk() between. */
static void test_foreign_memory_in_the_heap(void **state)
{
	struct made_heap heap;
	uint64_t before, after, gap;

	(void)state;
	heap = made_heap__main(&memory, MADE_2_27, MADE_MAIN_ARENA, MADE_HEAP + 0x1238,
			       MADE_HEAP + MADE_HEAP_BYTES);
	before = made_heap__chunk(&heap, 0x1000, true);
	made_heap__chunk(&heap, 0x200, false);
	gap = heap.at + 32;
	made_heap__gap(&heap, gap + 0x1008);
	after = made_heap__chunk(&heap, 0x40, true);
	made_heap__top(&heap);
	/* In the foreign memory, what looks like a chunk at first. */
	made_memory__set(&memory, gap + 0x28, 0x21);
	assert_int_equal(read_arenas(NULL, 0), 0);
	assert_int_equal(arenas.state, ARENAS_WALKED);
	assert_int_equal(arenas.unknown.nr, 2);
	check_unknown(0, before, 0xff8);
	check_unknown(1, after, 0x38);
	assert_false(made_ranges__touch(&arenas.owned, MADE_HEAP, MADE_HEAP + 0x1240));
	assert_true(made_ranges__cover(&arenas.owned, MADE_HEAP + 0x1240, gap));
	assert_false(made_ranges__touch(&arenas.owned, gap, gap + 0x1010));
	assert_true(made_ranges__cover(&arenas.owned, gap + 0x1010, MADE_HEAP + MADE_HEAP_BYTES));
	glibc_arenas__free(&arenas);
	/* With a wrong sum of the arena's bytes the first chunk is looked for, and found. */
	made_memory__set(&memory, made_arena__system_bytes(&heap), 0x1000);
	assert_int_equal(read_arenas(NULL, 0), 0);
	assert_int_equal(arenas.state, ARENAS_PARTLY);
	assert_int_equal(arenas.unknown.nr, 2);
	assert_false(made_ranges__touch(&arenas.owned, MADE_HEAP, MADE_HEAP + 0x1240));
	assert_true(made_ranges__cover(&arenas.owned, MADE_HEAP + 0x1240, gap));
	glibc_arenas__free(&arenas);
}

static void test_damage_in_the_heap(void **state)
{
	struct made_heap heap = begin_main(MADE_2_35);
	uint64_t users[150];

	(void)state;
	for (size_t i = 0; i < 150; i++)
		users[i] = made_heap__chunk(&heap, 0x40, i % 2);
	made_heap__top(&heap);
	/* An overflow out of one block; the walk goes on after it. */
	made_memory__set(&memory, users[101] - 8, 0x4141414141414141);
	assert_int_equal(read_arenas(NULL, 0), 0);
	assert_int_equal(arenas.state, ARENAS_PARTLY);
	/* Whether the chunk before it is free can't be said, so it counts as in use. */
	assert_int_equal(arenas.unknown.nr, 75);
	assert_true(made_ranges__cover(&arenas.owned, MADE_HEAP, users[101] - 16));
	assert_false(made_ranges__touch(&arenas.owned, users[101] - 16, users[102] - 16));
	assert_true(
		made_ranges__cover(&arenas.owned, users[102] - 16, MADE_HEAP + MADE_HEAP_BYTES));
	glibc_arenas__free(&arenas);
	/* Too few chunks before it: these are left out. */
	made_memory__set(&memory, users[2] - 8, 0x31);
	assert_int_equal(read_arenas(NULL, 0), 0);
	assert_false(made_ranges__touch(&arenas.owned, MADE_HEAP, users[2]));
	assert_true(made_ranges__cover(&arenas.owned, users[5], users[98]));
	glibc_arenas__free(&arenas);
	/* A flag that chunks of this arena don't have; a chunk that reaches over the top. */
	made_memory__set(&memory, users[2] - 8, 0x41);
	made_memory__set(&memory, users[101] - 8, 0x45);
	assert_int_equal(read_arenas(NULL, 0), 0);
	assert_false(made_ranges__touch(&arenas.owned, users[101] - 16, users[102] - 16));
	glibc_arenas__free(&arenas);
	made_memory__set(&memory, users[101] - 8, 0x41);
	made_memory__set(&memory, users[149] - 8, 0x141);
	made_memory__set(&memory, users[149] + 0x138, 0x41);
	assert_int_equal(read_arenas(NULL, 0), 0);
	assert_int_equal(arenas.state, ARENAS_PARTLY);
	assert_true(made_ranges__cover(&arenas.owned, MADE_HEAP, users[149] - 16));
	assert_false(made_ranges__touch(&arenas.owned, users[149] - 16, heap.at));
	assert_true(made_ranges__cover(&arenas.owned, heap.at, MADE_HEAP + MADE_HEAP_BYTES));
	glibc_arenas__free(&arenas);
	/* The arena's top is a block. */
	made_memory__set(&memory, users[149] - 8, 0x41);
	made_memory__set(&memory, made_arena__top(&heap), users[149] - 16);
	assert_int_equal(read_arenas(NULL, 0), 0);
	assert_int_equal(arenas.state, ARENAS_PARTLY);
	assert_true(made_ranges__cover(&arenas.owned, MADE_HEAP, users[149] - 16));
	assert_false(made_ranges__touch(&arenas.owned, users[149] - 16, heap.at));
	glibc_arenas__free(&arenas);
	made_memory__set(&memory, made_arena__top(&heap), heap.at);
	/* The top's size was overwritten: it is no top. */
	made_memory__set(&memory, heap.at + 8, UINT64_MAX);
	assert_int_equal(read_arenas(NULL, 0), 0);
	assert_int_equal(arenas.state, ARENAS_PARTLY);
	assert_false(made_ranges__touch(&arenas.owned, heap.at, MADE_HEAP + MADE_HEAP_BYTES));
	glibc_arenas__free(&arenas);
}

/* A size that doesn't agree with the next chunk's words is no free chunk. */
static void test_free_chunks_are_checked(void **state)
{
	struct made_heap heap = begin_main(MADE_2_35);
	uint64_t user = made_heap__chunk(&heap, 0x400, false);

	(void)state;
	made_heap__chunk(&heap, 0x20, true);
	made_heap__top(&heap);
	made_memory__set(&memory, user + 0x3f0, 0x3f0);
	assert_int_equal(read_arenas(NULL, 0), 0);
	assert_int_equal(arenas.state, ARENAS_PARTLY);
	assert_false(made_ranges__touch(&arenas.owned, MADE_HEAP, user + 0x3f0));
	assert_true(made_ranges__cover(&arenas.owned, user + 0x3f0, MADE_HEAP + MADE_HEAP_BYTES));
	glibc_arenas__free(&arenas);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_heaps_that_are_none, begin, end),
		cmocka_unit_test_setup_teardown(test_foreign_memory_in_the_heap, begin, end),
		cmocka_unit_test_setup_teardown(test_damage_in_the_heap, begin, end),
		cmocka_unit_test_setup_teardown(test_free_chunks_are_checked, begin, end),
	};

	return cmocka_run_group_tests_name("damaged_arenas", tests, NULL, NULL);
}
