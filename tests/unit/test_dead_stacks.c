// SPDX-License-Identifier: GPL-2.0
/*
 * dead_stacks.h: a stack, or a part of one, is dead only where libc's descriptor and the registers
 * leave no doubt.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above before it. */
#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#include "leaks/dead_stacks.h"
#include "leaks/range_list.h"

/*
 * One area of 64 KiB holds two stacks of libc, of 32 KiB each, with a TCB 2304 bytes below
 * each one's end; another is the first thread's.
 */
#define STACKS 0x700000000000
#define STACK_BYTES 0x8000
#define FIRST_STACK 0x7ff000000000
#define TCB_OF(number) (STACKS + ((number) + 1) * STACK_BYTES - 2304)
#define VARIABLES_BYTES 192
#define DTV 0x500000

static uint64_t stack_words[2 * STACK_BYTES / 8], dtv_words[64];

static size_t read_stacks(void *context, uint64_t address, void *buffer, size_t size)
{
	(void)context;
	if (address >= STACKS && address < STACKS + sizeof(stack_words)) {
		if (size > STACKS + sizeof(stack_words) - address)
			size = STACKS + sizeof(stack_words) - address;
		memcpy(buffer, (char *)stack_words + (address - STACKS), size);
		return size;
	}
	if (address >= DTV && address < DTV + sizeof(dtv_words)) {
		if (size > DTV + sizeof(dtv_words) - address)
			size = DTV + sizeof(dtv_words) - address;
		memcpy(buffer, (char *)dtv_words + (address - DTV), size);
		return size;
	}
	return 0;
}

static struct area stack_areas[] = {
	{ .start = DTV, .end = DTV + 0x1000, .readable = true, .writable = true },
	{ .start = STACKS, .end = STACKS + 2 * STACK_BYTES, .readable = true, .writable = true },
	{ .start = FIRST_STACK,
	  .end = FIRST_STACK + 0x10000,
	  .kind = AREA_STACK,
	  .readable = true,
	  .writable = true },
};

static uint64_t *stack_word(uint64_t address)
{
	return &stack_words[(address - STACKS) / 8];
}

static void make_tcb(unsigned int number)
{
	uint64_t tcb = TCB_OF(number);

	*stack_word(tcb) = tcb;
	*stack_word(tcb + 8) = DTV + 16;
	*stack_word(tcb + 16) = tcb;
	/* Other words that could be bounds, but of some other stack. */
	*stack_word(tcb + 0x100) = STACKS - STACK_BYTES;
	*stack_word(tcb + 0x108) = STACK_BYTES;
	*stack_word(tcb + 0x690) = STACKS + number * STACK_BYTES;
	*stack_word(tcb + 0x698) = STACK_BYTES;
}

static struct paused_thread threads[3];
static struct paused_process stopped;

static const struct memory_reader stack_memory = { .read = read_stacks };
static const struct process_areas all_stack_areas = { .list = stack_areas, .nr = 3 };
static const struct stack_search search = { .process = &stopped,
					    .areas = &all_stack_areas,
					    .memory = &stack_memory };

/* The first thread on its own stack, and two others. */
static int begin_stacks(void **state)
{
	(void)state;
	memset(stack_words, 0, sizeof(stack_words));
	memset(dtv_words, 0, sizeof(dtv_words));
	make_tcb(0);
	make_tcb(1);
	/* The count, the generation, and one module's variables. */
	dtv_words[0] = 14;
	dtv_words[2] = 1;
	threads[0] = (struct paused_thread){ .tid = 100, .stack_pointer = FIRST_STACK + 0x8000 };
	threads[1] = (struct paused_thread){ .tid = 101,
					     .stack_pointer = STACKS + 0x4001,
					     .thread_pointer = TCB_OF(0) };
	threads[2] = (struct paused_thread){ .tid = 102,
					     .stack_pointer = STACKS + STACK_BYTES + 0x5000,
					     .thread_pointer = TCB_OF(1) };
	stopped = (struct paused_process){ .tgid = 100, .threads = threads, .nr_threads = 3 };
	return 0;
}

static void assert_dead(const struct address_range *expected, size_t nr)
{
	struct range_list dead;

	assert_int_equal(dead_stacks__below(&dead, &search), 0);
	assert_int_equal(dead.nr, nr);
	for (size_t i = 0; i < nr; i++) {
		assert_int_equal(dead.list[i].start, expected[i].start);
		assert_int_equal(dead.list[i].end, expected[i].end);
	}
	range_list__free(&dead);
}

#define FIRST_DEAD                                      \
	{                                               \
		FIRST_STACK, FIRST_STACK + 0x8000 - 128 \
	}
#define SECOND_DEAD                           \
	{                                     \
		STACKS, STACKS + 0x4000 - 128 \
	}
#define THIRD_DEAD                                                        \
	{                                                                 \
		STACKS + STACK_BYTES, STACKS + STACK_BYTES + 0x5000 - 128 \
	}

static void test_below_stack_pointers(void **state)
{
	const struct address_range expected[] = { SECOND_DEAD, THIRD_DEAD, FIRST_DEAD };

	(void)state;
	assert_dead(expected, 3);
}

/* A handler of the second thread runs on an alternate stack that is a part of the thread's own. */
static void test_alternate_stack_in_a_stack(void **state)
{
	uint64_t context = STACKS + 0x5100;
	const struct address_range expected[] = {
		{ STACKS, STACKS + 0x2000 - 128 },
		THIRD_DEAD,
		FIRST_DEAD,
	};
	const struct address_range without[] = { SECOND_DEAD, THIRD_DEAD, FIRST_DEAD };

	(void)state;
	*stack_word(context) = 7;
	*stack_word(context + 16) = STACKS + 0x3800;
	*stack_word(context + 32) = 0x2000;
	*stack_word(context + 160) = STACKS + 0x2000;
	assert_dead(expected, 3);
	/* An alternate stack elsewhere, and words that are no such thing. */
	*stack_word(context + 16) = STACKS - 0x1000;
	*stack_word(context + 32) = 0x7000;
	assert_dead(without, 3);
	*stack_word(context + 16) = STACKS + 0x3800;
	*stack_word(context + 32) = 0x10000;
	assert_dead(without, 3);
	*stack_word(context + 32) = 0x2000;
	*stack_word(context + 8) = STACKS;
	assert_dead(without, 3);
}

/* At the end nobody uses the red zone any more, but for a thread that runs its own code. */
static void test_red_zone_at_the_end(void **state)
{
	const struct address_range expected[] = {
		SECOND_DEAD,
		{ STACKS + STACK_BYTES, STACKS + STACK_BYTES + 0x5000 },
		{ FIRST_STACK, FIRST_STACK + 0x8000 },
	};

	(void)state;
	threads[0].in_syscall = threads[2].in_syscall = true;
	stopped.at_end = true;
	assert_dead(expected, 3);
}

static void test_stack_of_unknown_bounds_lives(void **state)
{
	const struct address_range expected[] = { SECOND_DEAD, FIRST_DEAD };
	const uint64_t bounds = TCB_OF(1) + 0x690;

	(void)state;
	*stack_word(bounds) += 8;
	assert_dead(expected, 2);
	*stack_word(bounds) = UINT64_MAX - 0xfff;
	assert_dead(expected, 2);
	/* A stack that ends far above the TCB is none of it. */
	*stack_word(bounds) = STACKS;
	*stack_word(bounds + 8) = 0x100000;
	assert_dead(expected, 2);
	*stack_word(bounds + 8) = 0;
	assert_dead(expected, 2);
	/* The bounds are right, but the thread is on another stack: a coroutine's. */
	*stack_word(bounds) = STACKS + STACK_BYTES;
	*stack_word(bounds + 8) = STACK_BYTES;
	threads[2].stack_pointer = DTV + 0x800;
	assert_dead(expected, 2);
	threads[2].stack_pointer = 0x1234;
	assert_dead(expected, 2);
	threads[2].stack_pointer = 0;
	assert_dead(expected, 2);
	threads[2].stack_pointer = STACKS + STACK_BYTES;
	assert_dead(expected, 2);
	threads[2].thread_pointer = 0;
	threads[2].stack_pointer = STACKS + STACK_BYTES + 0x5000;
	assert_dead(expected, 2);
}

static void test_first_stack_without_its_thread_lives(void **state)
{
	const struct address_range expected[] = { SECOND_DEAD, THIRD_DEAD };
	const struct address_range lower[] = { SECOND_DEAD,
					       THIRD_DEAD,
					       { FIRST_STACK, FIRST_STACK + 0x2000 - 128 } };

	(void)state;
	threads[0].stack_pointer = DTV + 0x800;
	assert_dead(expected, 2);
	threads[0].stack_pointer = FIRST_STACK + 0x8000;
	stopped.tgid = 99;
	assert_dead(expected, 2);
	/* Another thread deeper down in it. */
	stopped.threads = (struct paused_thread[]){
		threads[0], threads[1], threads[2], { .stack_pointer = FIRST_STACK + 0x2000 }
	};
	stopped.nr_threads = 4;
	stopped.tgid = 100;
	assert_dead(lower, 3);
}

static void test_stacks_of_ended_threads(void **state)
{
	struct address_range dead;

	(void)state;
	/* All live. */
	assert_false(dead_stacks__ended(TCB_OF(0), &search, &dead));
	assert_false(dead_stacks__ended(TCB_OF(1), &search, &dead));
	/* The last one has ended; below its TCB it has variables. */
	stopped.nr_threads = 2;
	dtv_words[4] = TCB_OF(1) - VARIABLES_BYTES;
	dtv_words[6] = TCB_OF(1) - 16;
	dtv_words[8] = UINT64_MAX;
	assert_false(dead_stacks__ended(TCB_OF(0), &search, &dead));
	assert_true(dead_stacks__ended(TCB_OF(1), &search, &dead));
	assert_int_equal(dead.start, STACKS + STACK_BYTES);
	assert_int_equal(dead.end, TCB_OF(1) - VARIABLES_BYTES);
	/* Modules past the count don't count. */
	dtv_words[0] = 1;
	dtv_words[6] = TCB_OF(1) - 256;
	assert_true(dead_stacks__ended(TCB_OF(1), &search, &dead));
	assert_int_equal(dead.end, TCB_OF(1) - VARIABLES_BYTES);
	/* A thread runs on it. */
	threads[0].stack_pointer = STACKS + STACK_BYTES + 8;
	assert_false(dead_stacks__ended(TCB_OF(1), &search, &dead));
	threads[0].stack_pointer = FIRST_STACK + 0x8000;
	threads[0].thread_pointer = TCB_OF(1);
	assert_false(dead_stacks__ended(TCB_OF(1), &search, &dead));
}

static void test_what_is_no_tcb(void **state)
{
	const uint64_t tcb = TCB_OF(1);
	struct address_range dead;

	(void)state;
	stopped.nr_threads = 2;
	assert_true(dead_stacks__ended(tcb, &search, &dead));
	assert_int_equal(dead.end, tcb);
	assert_false(dead_stacks__ended(tcb - 64, &search, &dead));
	assert_false(dead_stacks__ended(0, &search, &dead));
	assert_false(dead_stacks__ended(FIRST_STACK, &search, &dead));
	*stack_word(tcb + 16) = 0;
	assert_false(dead_stacks__ended(tcb, &search, &dead));
	*stack_word(tcb + 16) = tcb;
	/* Without its DTV nobody knows where its variables begin. */
	*stack_word(tcb + 8) = 0;
	assert_false(dead_stacks__ended(tcb, &search, &dead));
	*stack_word(tcb + 8) = DTV + 17;
	assert_false(dead_stacks__ended(tcb, &search, &dead));
	*stack_word(tcb + 8) = 0x123450;
	assert_false(dead_stacks__ended(tcb, &search, &dead));
	*stack_word(tcb + 8) = DTV + 16;
	dtv_words[0] = 1 << 20;
	assert_false(dead_stacks__ended(tcb, &search, &dead));
	dtv_words[0] = 0;
	assert_true(dead_stacks__ended(tcb, &search, &dead));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_below_stack_pointers, begin_stacks),
		cmocka_unit_test_setup(test_alternate_stack_in_a_stack, begin_stacks),
		cmocka_unit_test_setup(test_red_zone_at_the_end, begin_stacks),
		cmocka_unit_test_setup(test_stack_of_unknown_bounds_lives, begin_stacks),
		cmocka_unit_test_setup(test_first_stack_without_its_thread_lives, begin_stacks),
		cmocka_unit_test_setup(test_stacks_of_ended_threads, begin_stacks),
		cmocka_unit_test_setup(test_what_is_no_tcb, begin_stacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
