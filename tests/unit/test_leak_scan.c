// SPDX-License-Identifier: GPL-2.0
/*
 * leak_scan.h: a process whose threads hold pointers in every way that there is, read from outside.
 * Each block's kind is what the process itself says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above before it. */
#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "failing_alloc.h"
#include "leaks/leak_scan.h"
#include "leaky_child.h"

static struct leaky_child child;

static int start_child(void **state)
{
	(void)state;
	leaky_child__start(&child);
	return 0;
}

static int end_child(void **state)
{
	(void)state;
	leaky_child__end(&child);
	return 0;
}

static struct leak_scan *read_blocks(const struct leak_block *blocks, size_t nr)
{
	const struct leak_scan_request request = {
		.process = &child.paused, .blocks = blocks, .nr_blocks = nr, .exact = true
	};

	return leak_scan__read(&request);
}

static void classify(struct leak_result *result, unsigned int heuristics)
{
	struct leak_scan *scan = read_blocks(child.sorted, child.nr_blocks);

	assert_non_null(scan);
	assert_int_equal(
		leak_scan__classify(scan, child.sorted, child.nr_blocks, heuristics, result), 0);
	leak_scan__free(scan);
}

static void assert_kind(const struct leaky_block *block, enum leak_kind kind,
			enum leak_kind expected)
{
	if (kind != expected)
		print_error("block \"%s\" at %#jx\n", block->name, (uintmax_t)block->block.address);
	assert_int_equal(kind, expected);
}

static void test_each_block_has_its_kind(void **state)
{
	struct leak_result result;

	(void)state;
	classify(&result, 0);
	for (unsigned int i = 0; i < child.nr_blocks; i++) {
		const struct leaky_block *block = &child.blocks[i];

		assert_kind(block, result.kinds[i], block->kind);
		assert_int_equal(result.indirect_bytes[i], block->indirect_bytes);
		assert_int_equal(result.indirect_blocks[i], block->indirect_blocks);
	}
	for (unsigned int i = 0; i < NR_LEAK_HEURISTICS; i++)
		assert_int_equal(result.heuristic_blocks[i], 0);
	leak_result__free(&result);
}

static void test_heuristics_are_counted(void **state)
{
	struct leak_result result;

	(void)state;
	classify(&result, LEAK_HEURISTICS_ALL);
	for (unsigned int i = 0; i < child.nr_blocks; i++)
		assert_kind(&child.blocks[i], result.kinds[i],
			    child.blocks[i].kind_with_heuristics);
	assert_int_equal(result.heuristic_blocks[HEURISTIC_LENGTH64], 1);
	assert_int_equal(result.heuristic_bytes[HEURISTIC_LENGTH64], 100);
	assert_int_equal(result.heuristic_blocks[HEURISTIC_NEWARRAY], 0);
	leak_result__free(&result);
	/* A pointer to the start makes it needless, and reaches what the block holds. */
	child.paused.threads[0].general[0] =
		child.blocks[leaky_child__find(&child, "length first")].block.address;
	classify(&result, LEAK_HEURISTICS_ALL);
	assert_int_equal(result.heuristic_blocks[HEURISTIC_LENGTH64], 0);
	assert_int_equal(result.heuristic_bytes[HEURISTIC_LENGTH64], 0);
	child.paused.threads[0].general[0] = 0;
	leak_result__free(&result);
}

static void test_untouched_memory_is_not_read(void **state)
{
	struct leak_result result;

	(void)state;
	classify(&result, 0);
	assert_true(result.scanned_bytes > 16 << 10);
	assert_true(result.scanned_bytes < 64 << 20);
	leak_result__free(&result);
}

/* glibc's malloc was walked, so nothing limits the result. */
static void test_no_limit_here(void **state)
{
	struct leak_result result;

	(void)state;
	classify(&result, 0);
	assert_true(result.has_arenas);
	assert_int_equal(result.limits, 0);
	assert_true(result.unknown_chunks > 0);
	assert_true(result.unknown_bytes >= UNLISTED_BYTES);
	assert_true(result.free_bytes > 0);
	leak_result__free(&result);
}

static void test_late_attach_is_a_limit(void **state)
{
	const struct leak_scan_request request = { .process = &child.paused,
						   .blocks = child.sorted,
						   .nr_blocks = child.nr_blocks,
						   .exact = true,
						   .late = true };
	struct leak_scan *scan = leak_scan__read(&request);
	struct leak_result result;

	(void)state;
	assert_non_null(scan);
	assert_int_equal(leak_scan__classify(scan, child.sorted, child.nr_blocks, 0, &result), 0);
	assert_int_equal(result.limits, LEAK_LIMIT_LATE);
	leak_result__free(&result);
	/* The pointers are used up. */
	assert_int_equal(leak_scan__classify(scan, child.sorted, child.nr_blocks, 0, &result),
			 -EINVAL);
	leak_scan__free(scan);
	leak_scan__free(NULL);
}

static size_t without(struct leak_block *blocks, const char *name)
{
	unsigned int number = leaky_child__find(&child, name);

	memcpy(blocks, child.sorted, number * sizeof(*blocks));
	memcpy(&blocks[number], &child.sorted[number + 1],
	       (child.nr_blocks - number - 1) * sizeof(*blocks));
	return child.nr_blocks - 1;
}

static enum leak_kind kind_of(const struct leak_result *result, const struct leak_block *blocks,
			      size_t nr, const char *name)
{
	uint64_t address = child.blocks[leaky_child__find(&child, name)].block.address;

	for (size_t i = 0; i < nr; i++) {
		if (blocks[i].address == address)
			return result->kinds[i];
	}
	fail_msg("no block: %s", name);
	return LEAK_UNCLASSIFIED;
}

/* What an unknown chunk holds is reachable; nobody knows who holds the chunk. */
static void test_unknown_chunk_is_a_root(void **state)
{
	struct leak_block blocks[LEAKY_MAX_BLOCKS];
	size_t nr = without(blocks, "lost, head");
	struct leak_scan *scan = read_blocks(blocks, nr);
	struct leak_result result;

	(void)state;
	assert_non_null(scan);
	assert_int_equal(leak_scan__classify(scan, blocks, nr, 0, &result), 0);
	assert_int_equal(kind_of(&result, blocks, nr, "lost, child"), LEAK_REACHABLE);
	assert_int_equal(kind_of(&result, blocks, nr, "lost, alone"), LEAK_DEFINITE);
	leak_result__free(&result);
	leak_scan__free(scan);
}

/* It was allocated after the first list was made, and before the pause. */
static void test_block_that_only_the_later_list_has(void **state)
{
	struct leak_block blocks[LEAKY_MAX_BLOCKS];
	size_t nr = without(blocks, "lost, head");
	struct leak_scan *scan = read_blocks(blocks, nr);
	struct leak_result result;

	(void)state;
	assert_non_null(scan);
	assert_int_equal(leak_scan__classify(scan, child.sorted, child.nr_blocks, 0, &result), 0);
	for (unsigned int i = 0; i < child.nr_blocks; i++)
		assert_kind(&child.blocks[i], result.kinds[i], child.blocks[i].kind);
	leak_result__free(&result);
	leak_scan__free(scan);
}

/* It was freed after the pause: what it held then was held. */
static void test_block_that_only_the_early_list_has(void **state)
{
	struct leak_block blocks[LEAKY_MAX_BLOCKS];
	size_t nr = without(blocks, "list, first");
	struct leak_scan *scan = read_blocks(child.sorted, child.nr_blocks);
	struct leak_result result;

	(void)state;
	assert_non_null(scan);
	assert_int_equal(leak_scan__classify(scan, blocks, nr, 0, &result), 0);
	assert_int_equal(kind_of(&result, blocks, nr, "list, second"), LEAK_REACHABLE);
	assert_int_equal(kind_of(&result, blocks, nr, "list, last"), LEAK_REACHABLE);
	assert_int_equal(kind_of(&result, blocks, nr, "lost, child"), LEAK_INDIRECT);
	leak_result__free(&result);
	leak_scan__free(scan);
}

/*
 * It was freed before the pause, and another block, which no list tells of, may have had its memory
 * at the pause: no lie is told of what that may have held.
 */
static void test_early_block_that_was_gone_holds_all(void **state)
{
	struct leak_block blocks[LEAKY_MAX_BLOCKS];
	size_t nr = without(blocks, "lost, head");
	struct leak_scan *scan = read_blocks(child.sorted, child.nr_blocks);
	struct leak_result result;

	(void)state;
	assert_non_null(scan);
	assert_int_equal(leak_scan__classify(scan, blocks, nr, 0, &result), 0);
	assert_int_equal(kind_of(&result, blocks, nr, "lost, child"), LEAK_REACHABLE);
	assert_int_equal(kind_of(&result, blocks, nr, "lost, grandchild"), LEAK_REACHABLE);
	leak_result__free(&result);
	leak_scan__free(scan);
}

static void test_blocks_that_nobody_looked_for(void **state)
{
	struct leak_block blocks[LEAKY_MAX_BLOCKS + 1];
	unsigned int young = leaky_child__find(&child, "lost, alone");
	struct leak_scan *scan = read_blocks(child.sorted, child.nr_blocks);
	struct leak_result result;

	(void)state;
	assert_non_null(scan);
	memcpy(blocks, child.sorted, child.nr_blocks * sizeof(*blocks));
	blocks[young].time_ns = child.paused.paused_ns + 1;
	/* In memory where nothing was when the scan began. */
	blocks[child.nr_blocks] =
		(struct leak_block){ .address = 0x7fffffff0000, .size_bytes = 64, .time_ns = 1 };
	assert_int_equal(leak_scan__classify(scan, blocks, child.nr_blocks + 1, 0, &result), 0);
	assert_int_equal(result.kinds[young], LEAK_UNCLASSIFIED);
	assert_int_equal(result.kinds[child.nr_blocks], LEAK_UNCLASSIFIED);
	assert_int_equal(kind_of(&result, blocks, child.nr_blocks, "lost, head"), LEAK_DEFINITE);
	leak_result__free(&result);
	leak_scan__free(scan);
}

/*
 * Of another allocator nobody knows what is free, so all of its memory outside known blocks counts.
 * That is so for a word that is not all of a block's, too.
 */
static void test_block_of_another_allocator(void **state)
{
	struct leak_block blocks[LEAKY_MAX_BLOCKS + 1];
	size_t nr = child.nr_blocks + 1;
	struct leak_scan *scan;
	struct leak_result result;

	(void)state;
	memcpy(blocks, child.sorted, child.nr_blocks * sizeof(*blocks));
	blocks[child.nr_blocks] = child.foreign;
	assert_int_equal(block_index__sort(blocks, nr), nr);
	scan = read_blocks(blocks, nr);
	assert_non_null(scan);
	assert_int_equal(leak_scan__classify(scan, blocks, nr, 0, &result), 0);
	assert_int_equal(result.limits, LEAK_LIMIT_ALLOCATOR);
	assert_int_equal(kind_of(&result, blocks, nr, "in a foreign block"), LEAK_INDIRECT);
	assert_int_equal(kind_of(&result, blocks, nr, "half in a foreign block"), LEAK_REACHABLE);
	leak_result__free(&result);
	leak_scan__free(scan);
}

static void test_without_blocks(void **state)
{
	struct leak_scan *scan = read_blocks(NULL, 0);
	struct leak_result result;

	(void)state;
	assert_non_null(scan);
	assert_int_equal(leak_scan__classify(scan, NULL, 0, LEAK_HEURISTICS_ALL, &result), 0);
	leak_result__free(&result);
	leak_scan__free(scan);
}

static void test_reading_without_memory(void **state)
{
	struct leak_scan *scan;
	long nr = 0;

	(void)state;
	do {
		failing_alloc__after(nr++);
		scan = read_blocks(child.sorted, child.nr_blocks);
		failing_alloc__never();
		if (!scan)
			assert_int_equal(errno, ENOMEM);
	} while (!scan && nr < 1000);
	assert_non_null(scan);
	assert_true(nr > 10);
	leak_scan__free(scan);
}

static void test_classifying_without_memory(void **state)
{
	struct leak_result result;
	long nr = 0;
	int err;

	(void)state;
	do {
		struct leak_scan *scan = read_blocks(child.sorted, child.nr_blocks);

		assert_non_null(scan);
		failing_alloc__after(nr++);
		/* The later list has one block less, so that the lists are joined. */
		err = leak_scan__classify(scan, child.sorted, child.nr_blocks - 1,
					  LEAK_HEURISTICS_ALL, &result);
		failing_alloc__never();
		leak_scan__free(scan);
		if (err)
			assert_int_equal(err, -ENOMEM);
	} while (err && nr < 1000);
	assert_int_equal(err, 0);
	assert_true(nr > 8);
	leak_result__free(&result);
}

/* The last test with this child. */
static void test_killed_process(void **state)
{
	struct leak_scan *scan = read_blocks(child.sorted, child.nr_blocks);
	struct leak_result result;

	(void)state;
	assert_non_null(scan);
	leaky_child__kill(&child);
	errno = 0;
	assert_null(read_blocks(child.sorted, child.nr_blocks));
	assert_int_equal(errno, ESRCH);
	/* What was read before is still classified; no heuristic applies to memory that is gone. */
	assert_int_equal(leak_scan__classify(scan, child.sorted, child.nr_blocks,
					     LEAK_HEURISTICS_ALL, &result),
			 0);
	for (unsigned int i = 0; i < child.nr_blocks; i++)
		assert_kind(&child.blocks[i], result.kinds[i], child.blocks[i].kind);
	leak_result__free(&result);
	leak_scan__free(scan);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_block_has_its_kind),
		cmocka_unit_test(test_heuristics_are_counted),
		cmocka_unit_test(test_untouched_memory_is_not_read),
		cmocka_unit_test(test_no_limit_here),
		cmocka_unit_test(test_late_attach_is_a_limit),
		cmocka_unit_test(test_unknown_chunk_is_a_root),
		cmocka_unit_test(test_block_that_only_the_later_list_has),
		cmocka_unit_test(test_block_that_only_the_early_list_has),
		cmocka_unit_test(test_early_block_that_was_gone_holds_all),
		cmocka_unit_test(test_blocks_that_nobody_looked_for),
		cmocka_unit_test(test_block_of_another_allocator),
		cmocka_unit_test(test_without_blocks),
		cmocka_unit_test(test_reading_without_memory),
		cmocka_unit_test(test_classifying_without_memory),
		cmocka_unit_test(test_killed_process),
	};

	if (argc == 3 && !strcmp(argv[1], LEAKY_CHILD_ARGUMENT))
		leaky_child__run(atoi(argv[2]));
	return cmocka_run_group_tests(tests, start_child, end_child);
}
