// SPDX-License-Identifier: GPL-2.0
/* Chunks in use that are no known block's: which there are, who points to them, and changed ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "leaks/old_chunks.h"

#define AT(offset) (0x10000U + (offset))

static struct used_chunk used[] = {
	{ AT(0x10), 0x18, 7 },
	{ AT(0x30), 0x38, 0 },
	{ AT(0x70), 0x28, 1 },
};

static struct old_chunks make(const struct leak_block *known, size_t nr_known)
{
	const struct chunk_list chunks = { .list = used, .nr = 3 };
	struct old_chunks old;

	assert_int_equal(old_chunks__init(&old, &chunks, known, nr_known), 0);
	return old;
}

static void test_find(void **state)
{
	struct old_chunks old = make(NULL, 0);
	(void)state;

	assert_int_equal(old.nr, 3);
	assert_int_equal(old_chunks__find(&old, AT(0x10)), 0);
	assert_int_equal(old_chunks__find(&old, AT(0x27)), 0);
	assert_int_equal(old_chunks__find(&old, AT(0x28)), BLOCK_NONE);
	assert_int_equal(old_chunks__find(&old, AT(0x97)), 2);
	/* The header of the second chunk begins in the last word of the first one. */
	assert_int_equal(old_chunks__find(&old, AT(0x20)), 0);
	assert_int_equal(old_chunks__find_header(&old, AT(0x20)), 1);
	assert_int_equal(old_chunks__find_header(&old, AT(0x28)), BLOCK_NONE);
	assert_int_equal(old_chunks__find_header(&old, AT(0)), 0);
	assert_int_equal(old_chunks__find_header(&old, UINT64_MAX), BLOCK_NONE);
	old_chunks__free(&old);
}

/* A block that is known by now is none of them, wherever in the chunk it lies. */
static void test_known(void **state)
{
	const struct leak_block known[] = { { .address = AT(0x0), .size_bytes = 0x10 },
					    { .address = AT(0x38), .size_bytes = 8 },
					    { .address = AT(0x98), .size_bytes = 8 } };
	struct old_chunks old = make(known, 3);
	(void)state;

	assert_int_equal(old.nr, 2);
	assert_int_equal(old_chunks__find(&old, AT(0x38)), BLOCK_NONE);
	assert_int_equal(old_chunks__find(&old, AT(0x70)), 1);
	assert_ptr_equal(old.chunks[1], &used[2]);
	old_chunks__free(&old);
}

static uint64_t heap[32];

static size_t read_heap(void *context, uint64_t address, void *buffer, size_t size)
{
	(void)context;
	if (address < AT(0) || address - AT(0) > sizeof(heap) - size)
		return 0;
	memcpy(buffer, (char *)heap + (address - AT(0)), size);
	return size;
}

static uint64_t *word(uint64_t offset)
{
	return &heap[offset / 8];
}

static void test_unchanged(void **state)
{
	const struct memory_reader memory = { .read = read_heap };
	struct old_chunks old = make(NULL, 0);
	(void)state;

	*word(0x08) = 0x21;
	*word(0x10) = 7;
	*word(0x28) = 0x41;
	assert_true(old_chunks__is_unchanged(&old, 0, &memory));
	*word(0x10) = 8; /* the link of a list */
	assert_false(old_chunks__is_unchanged(&old, 0, &memory));
	*word(0x10) = 7;
	*word(0x08) = 0x61; /* the one after it is a part of it now */
	assert_false(old_chunks__is_unchanged(&old, 0, &memory));
	*word(0x08) = 0x21;
	*word(0x28) = 0x40; /* it is free */
	assert_false(old_chunks__is_unchanged(&old, 0, &memory));
	old_chunks__free(&old);
}

#define MANGLED(at, to) ((uint64_t)(to) ^ (AT(at) >> 12))

/* Chunks of one size; the last one lies in another page. */
static void test_links(void **state)
{
	struct used_chunk members[] = {
		{ AT(0x10), 0x18, MANGLED(0x10, AT(0x30)) }, /* the next one's user part */
		{ AT(0x30), 0x18, MANGLED(0x30, AT(0x50) - 0x10) }, /* its header */
		{ AT(0x50), 0x18, MANGLED(0x50, AT(0x1070)) },
		{ AT(0x1070), 0x18, MANGLED(0x1070, 0) },
		{ AT(0x1090), 0x18, MANGLED(0x1090, AT(0x10b0)) }, /* where a program wrote */
		{ AT(0x10b0), 0x18, 42 },
		{ AT(0x10d0), 0x18, MANGLED(0x10d0, AT(0x10d0)) }, /* itself */
		{ AT(0x10f0), 0x28, MANGLED(0x10f0, AT(0x1070)) }, /* of another size */
		{ AT(0x1120), 0x18, MANGLED(0x1120, AT(0x1070) + 8) }, /* no start */
		{ AT(0x1140), 0x18, AT(0x1070) }, /* not mangled: a pointer like all others */
	};
	const struct chunk_list chunks = { .list = members, .nr = 10 };
	struct old_chunks old;
	(void)state;

	assert_int_equal(old_chunks__init(&old, &chunks, NULL, 0), 0);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(old_chunks__next_in_list(&old, i), i + 1);
	for (uint32_t i = 3; i < 10; i++)
		assert_int_equal(old_chunks__next_in_list(&old, i), BLOCK_NONE);
	old_chunks__free(&old);
}

static void test_none(void **state)
{
	const struct chunk_list none = { .nr = 0 };
	struct old_chunks old;
	(void)state;

	assert_int_equal(old_chunks__init(&old, &none, NULL, 0), 0);
	assert_int_equal(old_chunks__find(&old, AT(0x10)), BLOCK_NONE);
	assert_int_equal(old_chunks__find_header(&old, AT(0)), BLOCK_NONE);
	old_chunks__free(&old);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),	  cmocka_unit_test(test_known),
		cmocka_unit_test(test_unchanged), cmocka_unit_test(test_links),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
