// SPDX-License-Identifier: GPL-2.0
/* The sites of a leak check become stacks: by kind, by growth, suppressed, limited. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "failing_alloc.h"
#include "report/leak_stacks.h"
#include "report/suppressions.h"

#define CODE 0x1000
#define CODE_END 0x2000

/* Stack ids 1 to 3; a stack that is missing here was not kept. */
static const struct stack stacks[] = {
	[1] = { .nr_frames = 2, .frames = { 0x1100, 0x1200 } },
	[2] = { .nr_frames = 3, .frames = { 0x1100, 0x1300, 0x1400 } },
	[3] = { .nr_frames = 1, .frames = { 0x1500 } },
};

struct fixture {
	struct mapping_set *mappings;
	struct symbolizer *symbolizer;
};

static int read_stack(uint64_t id, struct stack *stack, void *context)
{
	(void)context;
	if (!id || id >= sizeof(stacks) / sizeof(stacks[0]))
		return -ENOENT;
	*stack = stacks[id];
	return 0;
}

static int set_up(void **state)
{
	struct mapping code = {
		.start = CODE, .end = CODE_END, .path = "/nowhere/program", .file.inode = 1
	};
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	if (!fixture)
		return -1;
	fixture->mappings = mapping_set__new();
	fixture->symbolizer = symbolizer__new(0);
	*state = fixture;
	return mapping_set__add(fixture->mappings, &code);
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	failing_alloc__never();
	mapping_set__free(fixture->mappings);
	symbolizer__free(fixture->symbolizer);
	free(fixture);
	return 0;
}

static struct aggregate_source source_of(void **state)
{
	struct fixture *fixture = *state;

	return (struct aggregate_source){
		.reader = { .read_stack = read_stack },
		.mappings = fixture->mappings,
		.symbolizer = fixture->symbolizer,
	};
}

static const struct leak_site sites[] = {
	{ .stack_id = 1, .kind = LEAK_DEFINITE, .own = { 10, 1 }, .indirect = { 900, 9 } },
	{ .stack_id = 2, .kind = LEAK_DEFINITE, .own = { 500, 2 }, .growth_bytes = -1 },
	{ .stack_id = 3,
	  .kind = LEAK_DEFINITE,
	  .own = { 2, 1 },
	  .growth_bytes = 2,
	  .growth_blocks = 1 },
	{ .stack_id = 1, .kind = LEAK_INDIRECT, .own = { 900, 9 } },
	{ .stack_id = 3, .kind = LEAK_POSSIBLE, .own = { 7, 1 } },
	{ .stack_id = 2, .kind = LEAK_REACHABLE, .own = { 4096, 1 } },
};

static struct leak_stacks_request request_of_sites(void)
{
	return (struct leak_stacks_request){
		.sites = sites,
		.nr_sites = sizeof(sites) / sizeof(sites[0]),
		.error_kinds = LEAK_KINDS_LOST,
		.top = 10,
	};
}

static void test_kinds_are_apart_and_work_comes_first(void **state)
{
	struct aggregate_source source = source_of(state);
	struct leak_stacks_request request = request_of_sites();
	struct report_leaks leaks = { .shown_kinds = LEAK_KINDS_ALL, .since_s = -1 };
	struct process_report report = { 0 };
	const struct report_stack *list;

	assert_int_equal(leak_stacks__fill(&report, &leaks, &request, &source), 0);
	list = report.stacks.list;
	assert_int_equal(report.stacks.nr, 6);
	/* 10 bytes that take 900 along weigh more than 500. */
	assert_int_equal(list[0].kind, LEAK_DEFINITE);
	assert_int_equal(list[0].bytes, 10);
	assert_int_equal(list[0].indirect_bytes, 900);
	assert_int_equal(list[0].indirect_blocks, 9);
	assert_int_equal(list[0].nr_frames, 2);
	assert_int_equal(list[1].bytes, 500);
	assert_int_equal(list[2].bytes, 2);
	assert_int_equal(list[3].kind, LEAK_POSSIBLE);
	assert_int_equal(list[4].kind, LEAK_INDIRECT);
	assert_int_equal(list[5].kind, LEAK_REACHABLE);
	assert_int_equal(list[5].frames[2].address, 0x1400);
	assert_int_equal(leaks.of_kind[LEAK_DEFINITE].bytes, 512);
	assert_int_equal(leaks.of_kind[LEAK_DEFINITE].blocks, 4);
	assert_int_equal(leaks.records[LEAK_DEFINITE], 3);
	assert_int_equal(leaks.of_kind[LEAK_INDIRECT].bytes, 900);
	assert_int_equal(leaks.of_kind[LEAK_POSSIBLE].bytes, 7);
	assert_int_equal(leaks.of_kind[LEAK_REACHABLE].bytes, 4096);
	assert_int_equal(report.walks[STACK_COMPLETE], 6);
	aggregate__free(&report.stacks);
}

static void test_growth_comes_first_after_an_earlier_check(void **state)
{
	struct aggregate_source source = source_of(state);
	struct leak_stacks_request request = request_of_sites();
	struct report_leaks leaks = { .shown_kinds = LEAK_KIND_BIT(LEAK_DEFINITE), .since_s = 10 };
	struct process_report report = { 0 };

	assert_int_equal(leak_stacks__fill(&report, &leaks, &request, &source), 0);
	assert_int_equal(report.stacks.nr, 3);
	assert_int_equal(report.stacks.list[0].bytes, 2);
	assert_int_equal(report.stacks.list[0].growth_bytes, 2);
	assert_int_equal(report.stacks.list[0].growth_blocks, 1);
	assert_int_equal(report.stacks.list[1].bytes, 10);
	assert_int_equal(report.stacks.list[2].growth_bytes, -1);
	aggregate__free(&report.stacks);
}

/* The sums are of all kinds, also of those that are not shown. */
static void test_only_some_kinds_are_shown(void **state)
{
	struct aggregate_source source = source_of(state);
	struct leak_stacks_request request = request_of_sites();
	struct report_leaks leaks = { .shown_kinds = LEAK_KINDS_LOST, .since_s = -1 };
	struct process_report report = { 0 };

	request.top = 1;
	assert_int_equal(leak_stacks__fill(&report, &leaks, &request, &source), 0);
	assert_int_equal(report.stacks.nr, 1);
	assert_int_equal(report.stacks.more.stacks, 3);
	assert_int_equal(report.stacks.more.bytes, 509);
	assert_int_equal(report.stacks.more.blocks, 4);
	assert_int_equal(leaks.of_kind[LEAK_REACHABLE].blocks, 1);
	assert_int_equal(leaks.records[LEAK_INDIRECT], 1);
	aggregate__free(&report.stacks);
}

static struct suppressions *suppress(const char *text)
{
	struct suppressions *suppressions = suppressions__new();
	FILE *in = fmemopen((char *)text, strlen(text), "r");
	char error[256];

	assert_non_null(suppressions);
	assert_int_equal(suppressions__read(suppressions, "test.supp", in, error, sizeof(error)),
			 0);
	fclose(in);
	return suppressions;
}

/* Every stack is the program's, so a suppression of its file hides the kinds that it names. */
static void test_suppressed_records_are_counted_apart(void **state)
{
	struct aggregate_source source = source_of(state);
	struct leak_stacks_request request = request_of_sites();
	struct report_leaks leaks = { .shown_kinds = LEAK_KINDS_ALL, .since_s = -1 };
	struct process_report report = { 0 };
	struct report_suppression used;

	request.suppressions = suppress("{\n  known\n  Memcheck:Leak\n"
					"  match-leak-kinds: definite\n  ...\n"
					"  obj:*/program\n}\n");
	assert_int_equal(leak_stacks__fill(&report, &leaks, &request, &source), 0);
	assert_int_equal(report.stacks.nr, 3);
	assert_int_equal(report.stacks.list[0].kind, LEAK_POSSIBLE);
	assert_int_equal(leaks.of_kind[LEAK_DEFINITE].blocks, 0);
	assert_int_equal(leaks.suppressed.bytes, 512);
	assert_int_equal(leaks.suppressed.blocks, 4);
	assert_int_equal(suppressions__used(request.suppressions, &used, 1), 1);
	assert_string_equal(used.name, "known");
	assert_int_equal(used.hidden.bytes, 512);
	aggregate__free(&report.stacks);
	suppressions__free(request.suppressions);
}

static void test_no_memory(void **state)
{
	struct aggregate_source source = source_of(state);
	struct leak_stacks_request request = request_of_sites();

	for (int i = 0; i < 40; i++) {
		struct report_leaks leaks = { .shown_kinds = LEAK_KINDS_ALL, .since_s = -1 };
		struct process_report report = { 0 };
		int err;

		failing_alloc__after(i);
		err = leak_stacks__fill(&report, &leaks, &request, &source);
		failing_alloc__never();
		assert_true(!err || err == -ENOMEM);
		if (err)
			assert_null(report.stacks.list);
		aggregate__free(&report.stacks);
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_kinds_are_apart_and_work_comes_first),
		TEST(test_growth_comes_first_after_an_earlier_check),
		TEST(test_only_some_kinds_are_shown),
		TEST(test_suppressed_records_are_counted_apart),
		TEST(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
