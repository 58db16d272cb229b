// SPDX-License-Identifier: GPL-2.0
/*
 * root_ranges.h and dead_stacks.h: every list and plan is what a table of single bytes would say,
 * and a stack is dead only where that is sure.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above before it. */
#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "failing_alloc.h"
#include "leaks/range_list.h"
#include "leaks/root_ranges.h"

#define NR_BYTES 512

static unsigned int random_state = 7;

static unsigned int random_below(unsigned int limit)
{
	return (unsigned int)rand_r(&random_state) % limit;
}

/* Some ranges, aligned to words or not, and the bytes that are in them. */
static void make_ranges(struct range_list *list, bool *bytes, unsigned int nr, unsigned int align)
{
	memset(bytes, 0, NR_BYTES);
	for (unsigned int i = 0; i < nr; i++) {
		unsigned int start = random_below(NR_BYTES - 64) / align * align;
		unsigned int end = start + random_below(64) / align * align;

		assert_int_equal(range_list__add(list, start, end), 0);
		for (unsigned int at = start; at < end; at++)
			bytes[at] = true;
	}
	range_list__sort(list);
}

/* The list has these bytes, and is sorted, without overlaps and without ranges that touch. */
static void assert_bytes(const struct range_list *list, const bool *bytes)
{
	bool found[NR_BYTES] = { false };

	for (size_t i = 0; i < list->nr; i++) {
		assert_true(list->list[i].start < list->list[i].end);
		if (i)
			assert_true(list->list[i - 1].end < list->list[i].start);
		for (uint64_t at = list->list[i].start; at < list->list[i].end; at++)
			found[at] = true;
	}
	assert_memory_equal(found, bytes, sizeof(found));
	for (unsigned int at = 0; at < NR_BYTES; at++)
		assert_int_equal(root_ranges__contain(list, at), bytes[at]);
}

static void test_lists_match_bytes(void **state)
{
	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct range_list one = { 0 }, other = { 0 }, left, both;
		bool in_one[NR_BYTES], in_other[NR_BYTES], bytes[NR_BYTES];

		make_ranges(&one, in_one, random_below(12), 1 + random_below(8));
		make_ranges(&other, in_other, random_below(12), 1 + random_below(8));
		assert_bytes(&one, in_one);
		assert_int_equal(root_ranges__subtract(&left, &one, &other), 0);
		for (int at = 0; at < NR_BYTES; at++)
			bytes[at] = in_one[at] && !in_other[at];
		assert_bytes(&left, bytes);
		assert_int_equal(root_ranges__unite(&both, &one, &other), 0);
		for (int at = 0; at < NR_BYTES; at++)
			bytes[at] = in_one[at] || in_other[at];
		assert_bytes(&both, bytes);
		range_list__free(&one);
		range_list__free(&other);
		range_list__free(&left);
		range_list__free(&both);
	}
}

/* A made-up process of NR_BYTES: what is where, by byte and as lists. */
struct made_process {
	struct area area_list[16];
	struct process_areas areas;
	struct leak_block blocks[32];
	size_t nr_blocks;
	struct range_list owned, unknown, dead;
	bool is_owned[NR_BYTES], is_unknown[NR_BYTES], is_dead[NR_BYTES];
	const struct area *area_of[NR_BYTES];
	int block_of[NR_BYTES]; /* -1: none's */
	struct root_sources sources;
};

static void make_areas(struct made_process *process)
{
	static const enum area_kind kinds[] = { AREA_ANONYMOUS, AREA_HEAP,   AREA_STACK, AREA_FILE,
						AREA_DEVICE,	AREA_KERNEL, AREA_FILE };
	uint64_t at = random_below(64) / 8 * 8;

	process->areas.list = process->area_list;
	while (at < NR_BYTES && process->areas.nr < 16) {
		struct area *area = &process->area_list[process->areas.nr++];

		area->start = at;
		area->end = at + 8 + random_below(10) * 8;
		if (area->end > NR_BYTES)
			area->end = NR_BYTES;
		area->kind = kinds[random_below(7)];
		area->readable = random_below(8);
		area->writable = random_below(4);
		for (uint64_t i = area->start; i < area->end; i++)
			process->area_of[i] = area;
		at = area->end + random_below(3) * 8;
	}
}

static void make_blocks(struct made_process *process)
{
	uint64_t at = random_below(16);

	memset(process->block_of, -1, sizeof(process->block_of));
	while (process->nr_blocks < 32) {
		struct leak_block *block = &process->blocks[process->nr_blocks];

		block->address = at;
		block->size_bytes = random_below(40);
		if (at + block->size_bytes > NR_BYTES)
			break;
		for (uint64_t i = at; i < at + block->size_bytes; i++)
			process->block_of[i] = (int)process->nr_blocks;
		at += block->size_bytes + 1 + random_below(24);
		process->nr_blocks++;
	}
}

static struct made_process *make_process(void)
{
	struct made_process *process = calloc(1, sizeof(*process));

	assert_non_null(process);
	make_areas(process);
	make_blocks(process);
	make_ranges(&process->owned, process->is_owned, random_below(6), 8);
	make_ranges(&process->unknown, process->is_unknown, random_below(4), 8);
	make_ranges(&process->dead, process->is_dead, random_below(3), 8);
	process->sources = (struct root_sources){
		.areas = &process->areas,
		.owned = &process->owned,
		.unknown = &process->unknown,
		.dead = &process->dead,
		.blocks = process->blocks,
		.nr_blocks = process->nr_blocks,
	};
	return process;
}

static void free_process(struct made_process *process)
{
	range_list__free(&process->owned);
	range_list__free(&process->unknown);
	range_list__free(&process->dead);
	free(process);
}

/* Read-only variables of a file whose writable ones, right after them, hold some of the
 * allocator's. */
static bool is_relro(const struct made_process *process, const struct area *area)
{
	const struct area *next;

	if (!area || area->end >= NR_BYTES || area->kind != AREA_FILE)
		return false;
	next = process->area_of[area->end];
	if (!next || next == area || next->kind != AREA_FILE || !next->writable)
		return false;
	for (uint64_t at = next->start; at < next->end; at++)
		if (process->is_owned[at])
			return true;
	return false;
}

static bool is_memory(const struct area *area)
{
	return area && area->readable && area->kind != AREA_DEVICE && area->kind != AREA_KERNEL;
}

/* A word of a block counts when all of its bytes are the same block's. Words are within one area. */
static bool is_word_of_block(const struct made_process *process, unsigned int word)
{
	for (unsigned int i = word; i < word + 8; i++) {
		if (process->block_of[i] < 0 || process->block_of[i] != process->block_of[word])
			return false;
	}
	return is_memory(process->area_of[word]);
}

static void test_plan_matches_bytes(void **state)
{
	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct made_process *process = make_process();
		bool bytes[NR_BYTES] = { false };
		struct range_list plan;

		for (unsigned int at = 0; at < NR_BYTES; at++) {
			const struct area *area = process->area_of[at];

			bytes[at] =
				(is_memory(area) && (area->writable || is_relro(process, area)) &&
				 !process->is_owned[at] && !process->is_dead[at]) ||
				process->is_unknown[at] || is_word_of_block(process, at / 8 * 8);
		}
		assert_int_equal(root_ranges__plan(&plan, &process->sources), 0);
		assert_bytes(&plan, bytes);
		range_list__free(&plan);
		free_process(process);
	}
}

static void test_foreign_areas_match_bytes(void **state)
{
	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct made_process *process = make_process();
		bool bytes[NR_BYTES] = { false };
		struct range_list foreign;

		for (size_t i = 0; i < process->nr_blocks; i++) {
			uint64_t address = process->blocks[i].address;
			const struct area *area = address < NR_BYTES ? process->area_of[address] :
								       NULL;

			if (!is_memory(area) || !area->writable || process->is_owned[address])
				continue;
			for (uint64_t at = area->start; at < area->end; at++)
				bytes[at] = true;
		}
		assert_int_equal(root_ranges__foreign(&foreign, &process->sources), 0);
		assert_bytes(&foreign, bytes);
		range_list__free(&foreign);
		free_process(process);
	}
}

static void test_blocks_at_the_end_of_addresses(void **state)
{
	struct area area = { .start = 0x1000, .end = 0x2000, .readable = true };
	const struct process_areas areas = { .list = &area, .nr = 1 };
	const struct leak_block blocks[] = {
		{ .address = 0x1ff0, .size_bytes = 0xffff000000000000 },
		{ .address = UINT64_MAX - 3, .size_bytes = 3 },
	};
	const struct range_list none = { 0 };
	const struct root_sources sources = { .areas = &areas,
					      .owned = &none,
					      .unknown = &none,
					      .dead = &none,
					      .blocks = blocks,
					      .nr_blocks = 2 };
	struct range_list plan;

	(void)state;
	assert_int_equal(root_ranges__plan(&plan, &sources), 0);
	assert_int_equal(plan.nr, 1);
	assert_int_equal(plan.list[0].start, 0x1ff0);
	assert_int_equal(plan.list[0].end, 0x2000);
	range_list__free(&plan);
}

/* What a chunk may have beyond its block, where a larger block can have taken a smaller one's
 * place. */
static void test_beyond_blocks(void **state)
{
	struct area area = { .start = 0x1000, .end = 0x3000, .readable = true, .writable = true };
	struct address_range all = { 0x1000, 0x3000 };
	struct process_areas areas = { .list = &area, .nr = 1 };
	struct range_list owned = { .list = &all, .nr = 1 }, none = { .nr = 0 };
	const struct leak_block blocks[] = { { .address = 0x1000, .size_bytes = 16 },
					     { .address = 0x1100, .size_bytes = 8 },
					     { .address = 0x1120, .size_bytes = 8 },
					     { .address = 0x2ff0, .size_bytes = 8 } };
	struct root_sources sources = { .areas = &areas,
					.owned = &owned,
					.unknown = &none,
					.dead = &none,
					.blocks = blocks,
					.nr_blocks = 4 };
	struct range_list plan;

	(void)state;
	assert_int_equal(root_ranges__plan(&plan, &sources), 0);
	assert_int_equal(plan.nr, 4);
	assert_int_equal(plan.list[0].end, 0x1010);
	range_list__free(&plan);

	sources.beyond_bytes = 64;
	assert_int_equal(root_ranges__plan(&plan, &sources), 0);
	assert_int_equal(plan.nr, 3);
	assert_int_equal(plan.list[0].end, 0x1050);
	assert_int_equal(plan.list[1].start, 0x1100);
	assert_int_equal(plan.list[1].end, 0x1168);
	assert_int_equal(plan.list[2].end, 0x3000);
	range_list__free(&plan);
}

static void test_without_memory(void **state)
{
	struct made_process *process;
	struct range_list list;
	int err, nr = 0;

	(void)state;
	random_state = 11;
	process = make_process();
	do {
		failing_alloc__after(nr++);
		err = root_ranges__plan(&list, &process->sources);
		failing_alloc__never();
		if (err) {
			assert_int_equal(err, -ENOMEM);
			assert_null(list.list);
		}
	} while (err);
	assert_true(nr > 5);
	range_list__free(&list);
	free_process(process);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists_match_bytes),
		cmocka_unit_test(test_plan_matches_bytes),
		cmocka_unit_test(test_foreign_areas_match_bytes),
		cmocka_unit_test(test_blocks_at_the_end_of_addresses),
		cmocka_unit_test(test_beyond_blocks),
		cmocka_unit_test(test_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
