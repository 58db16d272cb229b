// SPDX-License-Identifier: GPL-2.0
/*
 * The rest of a walk, over a copy of a stack that is made here: its end and the reason, and that
 * nothing outside the copy is read, whatever the copy says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unwind/unfinished_walk.h"

#define STACK_ADDRESS 0x7fff00001000ULL
#define LIBRARY 0x7f0000000000ULL
#define PROGRAM 0x550000000000ULL
#define MADE 0x600000000000ULL /* at run time: of no file */
#define MISSING 0x650000000000ULL
#define PAGES(base) ((base) + 0x10000)

/* Functions of the library have a frame of 32 bytes, those of the program one by rbp. */
static enum stack_end find_code(uint64_t address, struct walked_code *code, void *context)
{
	const uint64_t *outermost = context;

	if (address >= LIBRARY && address < PAGES(LIBRARY)) {
		*code = (struct walked_code){ 7,
					      LIBRARY - 0x1000,
					      { UNWIND_CFA_RSP, .cfa_offset = 32 } };
	} else if (address >= PROGRAM && address < PAGES(PROGRAM)) {
		*code = (struct walked_code){ 8,
					      PROGRAM,
					      { UNWIND_CFA_RBP, UNWIND_RBP_AT_CFA,
						.rbp_offset = -16, .cfa_offset = 16 } };
		if (outermost && address == *outermost - 1)
			code->rule = (struct unwind_rule){ .cfa = UNWIND_CFA_END };
	} else if (address >= MADE && address < PAGES(MADE)) {
		return STACK_COMPLETE;
	} else {
		return address >= MISSING && address < PAGES(MISSING) ? STACK_NO_TABLE :
									STACK_NO_CODE;
	}
	return STACK_COMPLETE;
}

static struct unfinished_walk *new_walk(uint64_t ip, uint32_t nr_words)
{
	struct unfinished_walk *walk = calloc(1, sizeof(*walk));

	assert_non_null(walk);
	walk->ip = ip;
	walk->sp = STACK_ADDRESS;
	walk->nr_words = nr_words;
	return walk;
}

/* BPF had kept two frames, and the frame whose table was missing as a bare address. */
static struct stack finish(struct unfinished_walk *walk, uint64_t outermost)
{
	struct walked_process process = { find_code, &outermost, WIRE_MAX_FRAMES };
	struct stack stack = { 3, STACK_NO_TABLE, { 0x11, 0x22, walk->ip } };

	unfinished_walk__finish(walk, &process, &stack);
	free(walk);
	assert_int_equal(stack.frames[0], 0x11);
	assert_int_equal(stack.frames[1], 0x22);
	return stack;
}

static wire_frame frame(uint64_t file, uint64_t offset)
{
	return file << WIRE_FRAME_FILE_SHIFT | offset;
}

static void test_to_the_bottom(void **state)
{
	struct unfinished_walk *walk = new_walk(LIBRARY + 0x10, 16);
	struct stack stack;

	(void)state;
	walk->bp = STACK_ADDRESS + 8 * 6;
	walk->words[3] = PROGRAM + 0x20; /* the library's caller; its sp is word 4 */
	walk->words[6] = STACK_ADDRESS + 8 * 10;
	walk->words[7] = PROGRAM + 0x40;
	stack = finish(walk, PROGRAM + 0x40);
	assert_int_equal(stack.end, STACK_COMPLETE);
	assert_int_equal(stack.nr_frames, 5);
	assert_true(stack.frames[2] == frame(7, 0x1010));
	assert_true(stack.frames[3] == frame(8, 0x20));
	assert_true(stack.frames[4] == frame(8, 0x40));
}

static void test_an_interrupted_instruction(void **state)
{
	struct unfinished_walk *walk = new_walk(PROGRAM, 16); /* where it begins: no call before */
	struct stack stack;

	(void)state;
	walk->exact = 1;
	walk->bp = STACK_ADDRESS;
	stack = finish(walk, 0);
	assert_true(stack.frames[2] == (frame(8, 0) | WIRE_FRAME_EXACT));
	/* The return address is 0: a thread begins there. */
	assert_int_equal(stack.nr_frames, 3);
	assert_int_equal(stack.end, STACK_COMPLETE);
}

static void test_code_made_at_run_time(void **state)
{
	struct unfinished_walk *walk = new_walk(MADE + 4, 16);
	struct stack stack;

	(void)state;
	walk->bp = STACK_ADDRESS + 8 * 2;
	walk->words[2] = STACK_ADDRESS + 8 * 6;
	walk->words[3] = LIBRARY + 8;
	walk->words[7] = 0x123; /* where the library's function returns to, by what it says */
	stack = finish(walk, 0);
	assert_int_equal(stack.nr_frames, 4);
	assert_true(stack.frames[2] == MADE + 4);
	assert_true(stack.frames[3] == frame(7, 0x1008));
	assert_int_equal(stack.end, STACK_FRAME_POINTERS);
}

static void test_another_file_without_a_table(void **state)
{
	struct unfinished_walk *walk = new_walk(LIBRARY + 0x10, 16);
	struct stack stack;

	(void)state;
	walk->words[3] = MISSING + 9;
	stack = finish(walk, 0);
	assert_int_equal(stack.end, STACK_NO_TABLE);
	assert_int_equal(stack.nr_frames, 4);
	assert_true(stack.frames[3] == MISSING + 9);
}

static void test_the_copy_has_an_end(void **state)
{
	struct stack stack;
	(void)state;

	stack = finish(new_walk(LIBRARY + 0x10, 3), 0); /* the word that is wanted is the fourth */
	assert_int_equal(stack.end, STACK_NO_TABLE);
	assert_int_equal(stack.nr_frames, 3);
}

static void test_hostile_copies(void **state)
{
	struct unfinished_walk *walk = new_walk(LIBRARY + 0x10, UINT32_MAX);
	struct stack stack;

	(void)state;
	/* The record claims more than it can hold: the walk ends where the record does. */
	for (size_t i = 0; i < WIRE_STACK_COPY_WORDS; i++)
		walk->words[i] = LIBRARY + 0x10;
	stack = finish(walk, 0);
	assert_int_equal(stack.end, STACK_FULL);
	assert_int_equal(stack.nr_frames, WIRE_MAX_FRAMES);

	/* Frames that go nowhere, or down. */
	walk = new_walk(PROGRAM + 0x20, 16);
	walk->bp = STACK_ADDRESS - 16;
	assert_int_equal(finish(walk, 0).end, STACK_BAD_RULE);
	walk = new_walk(PROGRAM + 0x20, 16);
	walk->bp = UINT64_MAX - 8;
	assert_int_equal(finish(walk, 0).end, STACK_BAD_RULE);

	/* A stack pointer that no walk can go by. */
	walk = new_walk(LIBRARY + 0x10, 16);
	walk->sp++;
	assert_int_equal(finish(walk, 0).end, STACK_NO_TABLE);
}

static void test_no_frame_and_too_many(void **state)
{
	uint64_t outermost = 0;
	struct walked_process process = { find_code, &outermost, WIRE_MAX_FRAMES };
	struct unfinished_walk *walk = new_walk(0x10, 16);
	struct stack stack = { 0, STACK_NO_TABLE, { 0 } };

	(void)state;
	unfinished_walk__finish(walk, &process, &stack);
	assert_int_equal(stack.nr_frames, 0);
	assert_int_equal(stack.end, STACK_NO_CODE);
	process.max_frames = 2;
	stack.nr_frames = 2;
	walk->ip = LIBRARY + 0x10;
	walk->words[3] = PROGRAM;
	unfinished_walk__finish(walk, &process, &stack);
	assert_int_equal(stack.nr_frames, 2);
	assert_int_equal(stack.end, STACK_FULL);
	process.max_frames = WIRE_MAX_FRAMES;
	stack.nr_frames = UINT32_MAX;
	walk->ip = LIBRARY + 0x10;
	unfinished_walk__finish(walk, &process, &stack);
	assert_int_equal(stack.nr_frames, WIRE_MAX_FRAMES);
	free(walk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_to_the_bottom),
		cmocka_unit_test(test_an_interrupted_instruction),
		cmocka_unit_test(test_code_made_at_run_time),
		cmocka_unit_test(test_another_file_without_a_table),
		cmocka_unit_test(test_the_copy_has_an_end),
		cmocka_unit_test(test_hostile_copies),
		cmocka_unit_test(test_no_frame_and_too_many),
	};

	return cmocka_run_group_tests_name("unfinished walk", tests, NULL, NULL);
}
