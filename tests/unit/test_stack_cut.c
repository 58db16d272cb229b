// SPDX-License-Identifier: GPL-2.0
/* The frames of exit() are cut off a copy of a stack; what they saved for their callers is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "leaks/stack_cut.h"

#define SP 0x7ffc00001000ULL
#define RETURN_1 0x7f0000001111ULL
#define RETURN_2 0x7f0000002222ULL
#define RETURN_3 0x550000003333ULL

/* _exit has no frame, the handlers' function saved six registers, and exit has an empty word. */
static const uint64_t words[] = { RETURN_1, 90, 91, 92,	      93, 1,	    2,	3,
				  4,	    5,	6,  RETURN_2, 80, RETURN_3, 70, 71 };
#define NR_WORDS (sizeof(words) / sizeof(words[0]))

static void test_frames_are_cut(void **state)
{
	const struct stack_copy stack = { SP, words, NR_WORDS };
	const uint64_t return_addresses[] = { RETURN_1, RETURN_2, RETURN_3 };
	const uint64_t saved[] = { 6, 5, 4, 3, 2, 1, 80 };
	struct stack_cut cut;

	(void)state;
	assert_true(stack_cut__make(&cut, &stack, return_addresses, 3));
	assert_int_equal(cut.stack_pointer, SP + 14 * 8);
	assert_int_equal(cut.nr_saved, 7);
	assert_memory_equal(cut.saved, saved, sizeof(saved));
}

/* A return address that is not there: nobody knows where the frame ends. */
static void test_unknown_frames_stay(void **state)
{
	const struct stack_copy stack = { SP, words, 13 };
	const uint64_t return_addresses[] = { RETURN_1, RETURN_2, RETURN_3 };
	const uint64_t out_of_order[] = { RETURN_2, RETURN_1 };
	struct stack_cut cut;

	(void)state;
	assert_false(stack_cut__make(&cut, &stack, return_addresses, 3));
	assert_false(stack_cut__make(&cut, &stack, out_of_order, 2));
	assert_true(stack_cut__make(&cut, &stack, return_addresses, 2));
	assert_int_equal(cut.stack_pointer, SP + 12 * 8);
}

/* However many frames there are, no more words are kept than fit. */
static void test_many_frames(void **state)
{
	uint64_t many[200], return_addresses[20];
	const struct stack_copy stack = { SP, many, 200 };
	struct stack_cut cut;

	(void)state;
	for (size_t i = 0; i < 200; i++)
		many[i] = i % 10 == 9 ? RETURN_1 : i;
	for (size_t i = 0; i < 20; i++)
		return_addresses[i] = RETURN_1;
	assert_true(stack_cut__make(&cut, &stack, return_addresses, 20));
	assert_int_equal(cut.stack_pointer, SP + 200 * 8);
	assert_int_equal(cut.nr_saved, PAUSED_GENERAL_REGISTERS);
	assert_true(stack_cut__make(&cut, &(struct stack_copy){ SP, NULL, 0 }, NULL, 0));
	assert_int_equal(cut.stack_pointer, SP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames_are_cut),
		cmocka_unit_test(test_unknown_frames_stay),
		cmocka_unit_test(test_many_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
