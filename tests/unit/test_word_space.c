// SPDX-License-Identifier: GPL-2.0
/* Stretches of words against a list of each word's owner. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "failing_alloc.h"
#include "unwind/word_space.h"

#define NR_WORDS 1000
#define NR_OWNERS 64

static void test_first_fit(void **state)
{
	struct word_space space = { 0 };
	uint32_t first;

	(void)state;
	assert_int_equal(word_space__take(&space, 1, &first), -ENOSPC);
	assert_int_equal(word_space__give_back(&space, 0, 100), 0);
	assert_int_equal(word_space__take(&space, 30, &first), 0);
	assert_int_equal(first, 0);
	assert_int_equal(word_space__take(&space, 30, &first), 0);
	assert_int_equal(first, 30);
	assert_int_equal(word_space__take(&space, 41, &first), -ENOSPC);
	assert_int_equal(word_space__give_back(&space, 0, 30), 0);
	assert_int_equal(word_space__take(&space, 10, &first), 0);
	assert_int_equal(first, 0);
	assert_int_equal(word_space__take(&space, 40, &first), 0);
	assert_int_equal(first, 60);
	assert_int_equal(word_space__nr_free(&space), 20);
	word_space__free(&space);
}

static void check(const struct word_space *space, const unsigned char owner[NR_WORDS])
{
	size_t nr_free = 0;

	for (size_t i = 0; i < space->nr; i++) {
		const struct word_gap *gap = &space->gaps[i];

		assert_true(gap->nr);
		if (i)
			assert_true(gap->first > gap[-1].first + gap[-1].nr);
		for (uint32_t at = gap->first; at < gap->first + gap->nr; at++)
			assert_int_equal(owner[at], 0);
	}
	for (size_t i = 0; i < NR_WORDS; i++)
		nr_free += !owner[i];
	assert_int_equal(word_space__nr_free(space), nr_free);
}

static void test_in_any_order(void **state)
{
	unsigned char owner[NR_WORDS] = { 0 };
	struct word_gap taken[NR_OWNERS + 1] = { 0 };
	struct word_space space = { 0 };

	(void)state;
	srand(1);
	assert_int_equal(word_space__give_back(&space, 0, NR_WORDS), 0);
	for (int i = 0; i < 20000; i++) {
		int who = 1 + rand() % NR_OWNERS;
		struct word_gap *own = &taken[who];

		if (own->nr) {
			memset(owner + own->first, 0, own->nr);
			assert_int_equal(word_space__give_back(&space, own->first, own->nr), 0);
			own->nr = 0;
		} else {
			uint32_t nr = 1 + (uint32_t)rand() % 40;

			if (!word_space__take(&space, nr, &own->first)) {
				own->nr = nr;
				memset(owner + own->first, who, nr);
			}
		}
		check(&space, owner);
	}
	word_space__free(&space);
}

static void test_no_memory(void **state)
{
	struct word_space space = { 0 };

	(void)state;
	failing_alloc__after(0);
	assert_int_equal(word_space__give_back(&space, 0, 100), -ENOMEM);
	failing_alloc__never();
	assert_int_equal(word_space__nr_free(&space), 0);
	word_space__free(&space);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_fit),
		cmocka_unit_test(test_in_any_order),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
