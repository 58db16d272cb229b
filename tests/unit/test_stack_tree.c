// SPDX-License-Identifier: GPL-2.0
/* Stacks summed up by caller: which rows there are, and that no byte is lost on the way. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "failing_alloc.h"
#include "report/stack_tree.h"

#define MAX_FRAMES 8

/* The functions of a stack, innermost first, then what it holds and how it grew. */
struct made {
	const char *functions[MAX_FRAMES];
	uint64_t bytes;
	int64_t growth_bytes;
};

struct fixture {
	struct report_stack stacks[8];
	struct report_frame frames[8][MAX_FRAMES];
	char rows[2048];
};

static void write_row(const struct stack_tree_row *row, void *context)
{
	struct fixture *fixture = context;
	size_t used = strlen(fixture->rows);
	char *at = fixture->rows + used;
	size_t room = sizeof(fixture->rows) - used;
	int n = snprintf(at, room, "%*s", 2 * (int)row->depth, "");

	for (size_t i = 0; i < row->nr; i++)
		n += snprintf(at + n, room - n, "%s%s", i ? ">" : "",
			      row->stack->frames[row->first - i].function);
	snprintf(at + n, room - n, "%s %llu/%llu %.0f%%\n",
		 row->nr    ? "" :
		 row->stack ? "self" :
			      "rest",
		 (unsigned long long)row->bytes, (unsigned long long)row->stacks, 100 * row->share);
}

static const char *tree_of(struct fixture *fixture, const struct made *made, size_t nr,
			   double min_share, enum stack_order order)
{
	struct report_stacks stacks = { .list = fixture->stacks, .nr = nr, .order = order };

	*fixture = (struct fixture){ 0 };
	for (size_t i = 0; i < nr; i++) {
		struct report_stack *stack = &fixture->stacks[i];

		stack->frames = fixture->frames[i];
		stack->bytes = made[i].bytes;
		stack->blocks = 1;
		stack->growth.bytes = made[i].growth_bytes;
		while (stack->nr_frames < MAX_FRAMES && made[i].functions[stack->nr_frames]) {
			stack->frames[stack->nr_frames] = (struct report_frame){
				.function = made[i].functions[stack->nr_frames],
				/* Another place in the same function is no other function. */
				.module_offset = i,
			};
			stack->nr_frames++;
		}
	}
	assert_int_equal(stack_tree__each(&stacks, min_share, write_row, fixture), 0);
	return fixture->rows;
}

static const struct made made[] = {
	{ { "leaf", "left", "main" }, 60, 0 },
	{ { "left", "main" }, 20, 5 },
	{ { "leaf", "right", "main" }, 15, 15 },
	{ { "leaf", "left", "main" }, 4, -1 },
	{ { NULL }, 1, 0 },
};

static void test_callers_first(void **state)
{
	struct fixture fixture;
	(void)state;

	assert_string_equal(tree_of(&fixture, made, 5, 0, ORDER_HELD), "main 99/4 99%\n"
								       "  left 84/3 84%\n"
								       "    leaf 64/2 64%\n"
								       "    self 20/1 20%\n"
								       "  right>leaf 15/1 15%\n"
								       "self 1/1 1%\n");
}

static void test_small_rows_are_one(void **state)
{
	struct fixture fixture;
	(void)state;

	assert_string_equal(tree_of(&fixture, made, 5, 0.3, ORDER_HELD), "main 99/4 99%\n"
									 "  left 84/3 84%\n"
									 "    leaf 64/2 64%\n"
									 "    rest 20/1 20%\n"
									 "  rest 15/1 15%\n"
									 "rest 1/1 1%\n");
}

static void test_what_has_grown(void **state)
{
	struct fixture fixture;
	(void)state;

	assert_string_equal(tree_of(&fixture, made, 5, 0, ORDER_GROWTH), "main 35/2 100%\n"
									 "  right>leaf 15/1 75%\n"
									 "  left 20/1 25%\n");
}

static void test_one_stack_is_one_row(void **state)
{
	struct fixture fixture;
	(void)state;

	assert_string_equal(tree_of(&fixture, made, 1, 0, ORDER_HELD),
			    "main>left>leaf 60/1 100%\n");
	assert_string_equal(tree_of(&fixture, made, 0, 0, ORDER_HELD), "");
	/* Nothing is a share of nothing. */
	assert_string_equal(tree_of(&fixture, &made[4], 1, 0, ORDER_HELD), "self 1/1 100%\n");
}

static void test_frames_without_names(void **state)
{
	struct report_frame frames[] = {
		{ .module = "/lib/a.so", .module_offset = 1 },
		{ .module = "/lib/a.so", .module_offset = 2 },
		{ .address = 7 },
	};
	struct report_stack list[] = {
		{ .bytes = 1, .frames = &frames[0], .nr_frames = 1 },
		{ .bytes = 2, .frames = &frames[1], .nr_frames = 1 },
		{ .bytes = 4, .frames = &frames[2], .nr_frames = 1 },
		{ .bytes = 8, .frames = &frames[0], .nr_frames = 1 },
	};
	struct report_stacks stacks = { .list = list, .nr = 4 };
	struct fixture fixture = { 0 };
	(void)state;

	assert_int_equal(stack_tree__each(&stacks, 0, write_row, &fixture), 0);
	assert_string_equal(fixture.rows, "(null) 9/2 60%\n(null) 4/1 27%\n(null) 2/1 13%\n");
}

static void test_no_memory(void **state)
{
	struct report_stack stack = { .bytes = 1 };
	struct report_stacks stacks = { .list = &stack, .nr = 1 };
	struct fixture fixture = { 0 };
	(void)state;

	for (long nr = 0; nr < 2; nr++) {
		failing_alloc__after(nr);
		assert_int_equal(stack_tree__each(&stacks, 0, write_row, &fixture), -ENOMEM);
	}
	failing_alloc__never();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_callers_first),
		cmocka_unit_test(test_small_rows_are_one),
		cmocka_unit_test(test_what_has_grown),
		cmocka_unit_test(test_one_stack_is_one_row),
		cmocka_unit_test(test_frames_without_names),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
