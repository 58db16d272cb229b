// SPDX-License-Identifier: GPL-2.0
/* Which blocks of a parent a forked copy still holds, by what its allocator says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "leaks/inherited_blocks.h"

#define HEAP 0x10000U
#define HEAP_END 0x20000U
#define MAPPING 0x40000U
#define MAPPING_END 0x80000U

static struct address_range in_use[] = { { 0x10010, 0x10028 },
					 { 0x10100, 0x10208 },
					 { 0x1f000, HEAP_END } };
static struct address_range heap[] = { { HEAP, HEAP_END } };
static struct address_range heap_and_mapping[] = { { HEAP, HEAP_END }, { MAPPING, MAPPING_END } };

static void test_in_heap(void **state)
{
	const struct glibc_arenas arenas = {
		.state = ARENAS_WALKED,
		.unknown = { .list = in_use, .nr = 3 },
		.owned = { .list = heap, .nr = 1 },
	};
	struct leak_block blocks[] = {
		{ .address = 0x10010, .size_bytes = 24, .stack_id = 1 },
		{ .address = 0x10030, .size_bytes = 24, .stack_id = 2 }, /* free */
		{ .address = 0x10100, .size_bytes = 0, .stack_id = 3 },
		{ .address = 0x10180, .size_bytes = 200, .stack_id = 4 }, /* reaches too far */
		{ .address = 0x1f000, .size_bytes = 0x1000, .stack_id = 5 },
	};
	(void)state;

	assert_int_equal(inherited_blocks__keep_used(blocks, 5, &arenas), 3);
	assert_int_equal(blocks[0].stack_id, 1);
	assert_int_equal(blocks[1].stack_id, 3);
	assert_int_equal(blocks[2].stack_id, 5);
}

/* Of those outside of the heaps nothing is known until a walk has looked for their mappings. */
static void test_mappings(void **state)
{
	struct glibc_arenas arenas = {
		.state = ARENAS_WALKED,
		.owned = { .list = heap, .nr = 1 },
	};
	struct leak_block blocks[] = {
		{ .address = 0x10010, .size_bytes = 24, .stack_id = 1 }, /* free */
		{ .address = MAPPING + 16, .size_bytes = MAPPING_END - MAPPING - 16, .stack_id = 2 },
		{ .address = MAPPING_END + 16, .size_bytes = 0x10000, .stack_id = 3 }, /* gone */
	};
	(void)state;

	assert_int_equal(inherited_blocks__keep_used(blocks, 3, &arenas), 2);
	arenas.owned = (struct range_list){ .list = heap_and_mapping, .nr = 2 };
	assert_int_equal(inherited_blocks__keep_mapped(blocks, 2, &arenas), 1);
	assert_int_equal(blocks[0].stack_id, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_heap),
		cmocka_unit_test(test_mappings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
