// SPDX-License-Identifier: GPL-2.0
/* kept_pages.h: what is read through it is what is there, and a page is read once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above before it. */
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "failing_alloc.h"
#include "leaks/kept_pages.h"

#define START 0x10000
#define NR_BYTES (5 * 4096 - 100) /* the last page ends early */

static unsigned char bytes[NR_BYTES];
static unsigned int nr_reads;

static size_t read_bytes(void *context, uint64_t address, void *buffer, size_t size)
{
	(void)context;
	nr_reads++;
	if (address < START || address >= START + NR_BYTES)
		return 0;
	if (size > START + NR_BYTES - address)
		size = START + NR_BYTES - address;
	memcpy(buffer, bytes + (address - START), size);
	return size;
}

static const struct memory_reader memory = { .read = read_bytes };

static void test_matches_the_memory(void **state)
{
	struct kept_pages *pages = kept_pages__new(&memory);
	struct memory_reader reader = kept_pages__reader(pages);
	unsigned int random_state = 9;

	(void)state;
	for (size_t i = 0; i < NR_BYTES; i++)
		bytes[i] = (unsigned char)rand_r(&random_state);
	for (int round = 0; round < 20000; round++) {
		uint64_t address = START - 300 + (unsigned int)rand_r(&random_state) % 21000;
		size_t size = (unsigned int)rand_r(&random_state) % (round % 2 ? 16 : 9000);
		unsigned char *got = malloc(size + 1), expected[9000];
		size_t nr = read_bytes(NULL, address, expected, size);

		assert_non_null(got);
		got[size] = 0x5a;
		assert_int_equal(reader.read(reader.context, address, got, size), nr);
		assert_memory_equal(got, expected, nr);
		assert_int_equal(got[size], 0x5a);
		free(got);
	}
	kept_pages__free(pages);
	kept_pages__free(NULL);
}

static void test_reads_a_page_once(void **state)
{
	struct kept_pages *pages = kept_pages__new(&memory);
	struct memory_reader reader = kept_pages__reader(pages);
	uint64_t word;

	(void)state;
	nr_reads = 0;
	for (uint64_t at = START; at < START + 2 * 4096; at += sizeof(word))
		assert_true(memory_reader__all(&reader, at, &word, sizeof(word)));
	assert_int_equal(nr_reads, 2);
	/* A page that can't be read is not tried again either. */
	assert_false(memory_reader__all(&reader, 0x8000, &word, sizeof(word)));
	assert_false(memory_reader__all(&reader, 0x8008, &word, sizeof(word)));
	assert_int_equal(nr_reads, 3);
	/* The last addresses of all. */
	assert_false(memory_reader__all(&reader, UINT64_MAX - 3, &word, sizeof(word)));
	kept_pages__free(pages);
}

/* Two pages that want the same place. */
static void test_pages_make_way(void **state)
{
	struct kept_pages *pages = kept_pages__new(&memory);
	struct memory_reader reader = kept_pages__reader(pages);
	unsigned char byte;

	(void)state;
	for (int round = 0; round < 3; round++) {
		assert_true(memory_reader__all(&reader, START, &byte, 1));
		assert_int_equal(byte, bytes[0]);
		assert_false(memory_reader__all(&reader, START + (1 << 20), &byte, 1));
	}
	kept_pages__free(pages);
}

static void test_without_memory(void **state)
{
	(void)state;
	failing_alloc__after(0);
	assert_null(kept_pages__new(&memory));
	failing_alloc__never();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches_the_memory),
		cmocka_unit_test(test_reads_a_page_once),
		cmocka_unit_test(test_pages_make_way),
		cmocka_unit_test(test_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
