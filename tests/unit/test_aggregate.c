// SPDX-License-Identifier: GPL-2.0
/* Sites become the stacks of a report: cut where a walk left the code, folded, ranked, limited. */
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

#include "report/aggregate.h"
#include "failing_alloc.h"

#define CODE 0x1000
#define CODE_END 0x2000
#define NS_PER_S 1000000000ULL

/* Stack ids 1 to 6; a stack that is missing here was not kept. */
static const struct stack stacks[] = {
	[1] = { .nr_frames = 2, .frames = { 0x1100, 0x1200 } },
	[2] = { .nr_frames = 3, .frames = { 0x1100, 0x1300, 0x1400 } },
	/* A walk that went astray after its second frame, in two different ways. */
	[3] = { .nr_frames = 4, .frames = { 0x1100, 0x1500, 0xdead0000, 0x1200 } },
	[4] = { .nr_frames = 3, .frames = { 0x1100, 0x1500, 0xbeef0000 } },
	/* Like the first, but cut there: for want of a table, and since mappings changed. */
	[5] = { .nr_frames = 2, .frames = { 0x1100, 0x1200 }, .end = STACK_NO_TABLE },
	[6] = { .nr_frames = 2, .frames = { 0x1100, 0x1200 }, .end = STACK_BUSY },
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
		.now_ns = 10 * NS_PER_S,
	};
}

static int fill(struct process_report *report, const struct snapshot *snapshot, uint64_t top,
		bool part, const struct aggregate_source *source)
{
	const struct aggregate_request request = { .top = top, .part = part };

	return aggregate__fill(report, snapshot, 1, &request, source);
}

static void test_largest_first_and_the_rest_summed(void **state)
{
	struct aggregate_source source = source_of(state);
	struct snapshot_site sites[] = {
		{ .stack_id = 1, .bytes = 10, .blocks = 1 },
		{ .stack_id = 2, .bytes = 500, .blocks = 2 },
		{ .stack_id = 3, .bytes = 30, .blocks = 3 },
	};
	struct snapshot snapshot = { .sites = sites, .nr_sites = 3 };
	struct process_report report = { .held_bytes = 540, .held_blocks = 6 };

	assert_int_equal(fill(&report, &snapshot, 1, false, &source), 0);
	assert_int_equal(report.stacks.nr, 1);
	assert_int_equal(report.stacks.list[0].bytes, 500);
	assert_int_equal(report.stacks.list[0].blocks, 2);
	assert_int_equal(report.stacks.list[0].nr_frames, 3);
	assert_int_equal(report.stacks.list[0].frames[0].address, 0x1100);
	assert_int_equal(report.stacks.list[0].frames[2].address, 0x1400);
	assert_int_equal(report.stacks.more.stacks, 2);
	assert_int_equal(report.stacks.more.bytes, 40);
	assert_int_equal(report.stacks.more.blocks, 4);
	aggregate__free(&report.stacks);
	assert_null(report.stacks.list);
}

static void test_astray_walks_are_cut_and_folded(void **state)
{
	struct aggregate_source source = source_of(state);
	struct snapshot_site sites[] = {
		{ .stack_id = 3, .bytes = 100, .blocks = 1 },
		{ .stack_id = 1, .bytes = 150, .blocks = 1 },
		{ .stack_id = 4, .bytes = 100, .blocks = 2 },
	};
	struct snapshot snapshot = { .sites = sites, .nr_sites = 3 };
	struct process_report report = { .held_bytes = 350, .held_blocks = 4 };

	assert_int_equal(fill(&report, &snapshot, 10, false, &source), 0);
	assert_int_equal(report.stacks.nr, 2);
	assert_int_equal(report.stacks.list[0].bytes, 200);
	assert_int_equal(report.stacks.list[0].blocks, 3);
	assert_int_equal(report.stacks.list[0].nr_frames, 2);
	assert_int_equal(report.stacks.list[0].frames[1].address, 0x1500);
	assert_int_equal(report.stacks.list[0].end, STACK_NO_CODE);
	assert_int_equal(report.stacks.list[1].bytes, 150);
	assert_int_equal(report.stacks.list[1].end, STACK_COMPLETE);
	assert_int_equal(report.stacks.more.stacks, 0);
	aggregate__free(&report.stacks);
}

/* One walk of a thousand that was cut says nothing of the others. */
static void test_a_cut_walk_leaves_whole_ones_whole(void **state)
{
	struct aggregate_source source = source_of(state);
	struct snapshot_site sites[] = {
		{ .stack_id = 5, .bytes = 8, .blocks = 1 },
		{ .stack_id = 1, .bytes = 8000, .blocks = 1000 },
		{ .stack_id = 6, .bytes = 8, .blocks = 1 },
	};
	struct snapshot snapshot = { .sites = sites, .nr_sites = 3 };
	struct process_report report = { .held_bytes = 8016, .held_blocks = 1002 };

	assert_int_equal(fill(&report, &snapshot, 10, false, &source), 0);
	assert_int_equal(report.stacks.nr, 2);
	assert_int_equal(report.stacks.list[0].end, STACK_COMPLETE);
	assert_int_equal(report.stacks.list[0].bytes, 8000);
	assert_int_equal(report.stacks.list[0].blocks, 1000);
	assert_int_not_equal(report.stacks.list[1].end, STACK_COMPLETE);
	assert_int_equal(report.stacks.list[1].blocks, 2);
	assert_int_equal(report.walks[STACK_COMPLETE], 1);
	aggregate__free(&report.stacks);
}

static void test_the_immediate_caller_is_kept_wherever_it_is(void **state)
{
	struct aggregate_source source = source_of(state);
	struct snapshot_site sites[] = { { .stack_id = 2, .bytes = 8, .blocks = 1 } };
	struct snapshot snapshot = { .sites = sites, .nr_sites = 1 };
	struct process_report report = { .held_bytes = 8, .held_blocks = 1 };

	source.mappings = NULL;
	assert_int_equal(fill(&report, &snapshot, 10, false, &source), 0);
	assert_int_equal(report.stacks.list[0].nr_frames, 1);
	assert_int_equal(report.stacks.list[0].frames[0].address, 0x1100);
	assert_int_equal(report.stacks.list[0].end, STACK_NO_CODE);
	aggregate__free(&report.stacks);
}

static void test_what_no_site_has_is_shown_without_frames(void **state)
{
	struct aggregate_source source = source_of(state);
	struct snapshot_site sites[] = { { .stack_id = 1, .bytes = 100, .blocks = 1 } };
	struct snapshot snapshot = { .sites = sites, .nr_sites = 1 };
	struct process_report report = { .held_bytes = 1000,
					 .held_blocks = 5,
					 .lost.by_cause[LOSS_STACK] = 4 };

	assert_int_equal(fill(&report, &snapshot, 10, false, &source), 0);
	assert_int_equal(report.stacks.nr, 2);
	assert_int_equal(report.stacks.list[0].bytes, 900);
	assert_int_equal(report.stacks.list[0].blocks, 4);
	assert_int_equal(report.stacks.list[0].nr_frames, 0);
	aggregate__free(&report.stacks);

	/* With -o the sites are a part on purpose. */
	report = (struct process_report){ .held_bytes = 1000,
					  .held_blocks = 5,
					  .lost.by_cause[LOSS_STACK] = 4 };
	assert_int_equal(fill(&report, &snapshot, 10, true, &source), 0);
	assert_int_equal(report.stacks.nr, 1);
	aggregate__free(&report.stacks);
}

static void test_block_lists_come_along(void **state)
{
	struct aggregate_source source = source_of(state);
	struct snapshot_block first = { .address = 0x50, .size_bytes = 7, .time_ns = 4 * NS_PER_S };
	struct snapshot_block second = { .address = 0x60, .size_bytes = 9 };
	struct snapshot_site sites[] = {
		{ .stack_id = 3, .bytes = 7, .blocks = 1, .block_list = &first, .nr_block_list = 1 },
		{ .stack_id = 4,
		  .bytes = 9,
		  .blocks = 1,
		  .block_list = &second,
		  .nr_block_list = 1 },
	};
	struct snapshot snapshot = { .sites = sites, .nr_sites = 2 };
	struct process_report report = { .held_bytes = 16, .held_blocks = 2 };
	size_t timed;

	assert_int_equal(fill(&report, &snapshot, 10, false, &source), 0);
	assert_int_equal(report.stacks.nr, 1);
	assert_int_equal(report.stacks.list[0].nr_block_list, 2);
	timed = report.stacks.list[0].block_list[0].address == 0x50 ? 0 : 1;
	assert_int_equal(report.stacks.list[0].block_list[timed].size_bytes, 7);
	assert_true(report.stacks.list[0].block_list[timed].age_s == 6.0);
	assert_int_equal(report.stacks.list[0].block_list[!timed].address, 0x60);
	assert_true(report.stacks.list[0].block_list[!timed].age_s < 0);
	aggregate__free(&report.stacks);
}

/* Two processes map the program at different addresses; a third maps another file. */
static int fill_ranking(struct ranking_report *report, const struct process_sites *processes,
			size_t nr, uint64_t top, const struct aggregate_source *source)
{
	const struct aggregate_request request = { .top = top };

	return aggregate__fill_ranking(report, processes, nr, &request, source);
}

static void test_one_stack_of_many_processes(void **state)
{
	struct aggregate_source source = source_of(state);
	struct mapping same = { .start = 0x1000, .end = 0x2000, .path = "/p", .file.inode = 1 };
	struct mapping other = { .start = 0x1000, .end = 0x2000, .path = "/q", .file.inode = 2 };
	struct mapping_set *second = mapping_set__new(), *third = mapping_set__new();
	struct fixture *fixture = *state;
	struct snapshot_site sites[] = {
		{ .stack_id = 1, .bytes = 100, .blocks = 1 },
		{ .stack_id = 1, .bytes = 10, .blocks = 2 },
		{ .stack_id = 1, .bytes = 50, .blocks = 3 },
		{ .stack_id = 2, .bytes = 1, .blocks = 1 },
	};
	struct process_sites processes[] = {
		{ .snapshot = { &sites[0], 1 }, .mappings = fixture->mappings },
		{ .snapshot = { &sites[1], 1 },
		  .mappings = second,
		  .held_bytes = 12,
		  .held_blocks = 3,
		  .lost_stacks = true },
		{ .snapshot = { &sites[2], 2 }, .mappings = third },
	};
	struct ranking_report report = { 0 };

	assert_int_equal(mapping_set__add(second, &same), 0);
	assert_int_equal(mapping_set__add(third, &other), 0);
	assert_int_equal(fill_ranking(&report, processes, 3, 2, &source), 0);
	assert_int_equal(report.stacks.nr, 2);
	assert_int_equal(report.stacks.list[0].bytes, 110);
	assert_int_equal(report.stacks.list[0].blocks, 3);
	assert_int_equal(report.stacks.list[0].nr_processes, 2);
	assert_int_equal(report.stacks.list[1].bytes, 50);
	assert_int_equal(report.stacks.list[1].nr_processes, 1);
	/* The rest: the third's other stack, and what the second holds without one. */
	assert_int_equal(report.stacks.more.stacks, 2);
	assert_int_equal(report.stacks.more.bytes, 1 + 2);
	assert_int_equal(report.stacks.more.blocks, 1 + 1);
	aggregate__free(&report.stacks);
	assert_null(report.stacks.list);
	mapping_set__free(second);
	mapping_set__free(third);
}

/*
 * When no file names the code, the perf map of the process may; in another process it is other
 * code.
 */
static void test_code_made_at_run_time(void **state)
{
	struct aggregate_source source = source_of(state);
	struct mapping made = { .start = 0x1000, .end = 0x2000, .path = "" };
	struct mapping_set *mappings = mapping_set__new();
	struct perf_map_file *code = perf_map_file__new(getpid());
	struct snapshot_site sites[] = {
		{ .stack_id = 1, .bytes = 100, .blocks = 1 },
		{ .stack_id = 1, .bytes = 10, .blocks = 1 },
	};
	struct process_sites processes[] = {
		{ .snapshot = { &sites[0], 1 }, .mappings = mappings, .code = code },
		{ .snapshot = { &sites[1], 1 }, .mappings = mappings },
	};
	struct ranking_report report = { 0 };
	char path[64];
	FILE *map;

	snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)getpid());
	map = fopen(path, "w");
	assert_non_null(map);
	/* Frames are return addresses: one at the end of a function is the function's. */
	fprintf(map, "1080 80 made\n1200 100 other\n");
	fclose(map);
	assert_int_equal(perf_map_file__refresh(code), 0);
	unlink(path);
	assert_int_equal(mapping_set__add(mappings, &made), 0);
	assert_int_equal(fill_ranking(&report, processes, 2, 10, &source), 0);
	assert_int_equal(report.stacks.nr, 2);
	assert_int_equal(report.stacks.list[0].bytes, 100);
	assert_string_equal(report.stacks.list[0].frames[0].function, "made");
	assert_null(report.stacks.list[0].frames[0].module);
	assert_null(report.stacks.list[0].frames[1].function);
	assert_null(report.stacks.list[1].frames[0].function);
	aggregate__free(&report.stacks);
	mapping_set__free(mappings);
	perf_map_file__free(code);
}

static void test_nothing_held(void **state)
{
	struct aggregate_source source = source_of(state);
	struct snapshot snapshot = { 0 };
	struct process_report report = { 0 };

	assert_int_equal(fill(&report, &snapshot, 10, false, &source), 0);
	assert_int_equal(report.stacks.nr, 0);
	assert_int_equal(report.stacks.more.stacks, 0);
	aggregate__free(&report.stacks);
}

static void test_out_of_memory_leaves_no_stacks(void **state)
{
	struct aggregate_source source = source_of(state);
	struct snapshot_site sites[] = {
		{ .stack_id = 3, .bytes = 100, .blocks = 1 },
		{ .stack_id = 4, .bytes = 100, .blocks = 2 },
		{ .stack_id = 2, .bytes = 10, .blocks = 2 },
	};
	struct snapshot snapshot = { .sites = sites, .nr_sites = 3 };
	long nr = 0;
	int err;

	do {
		struct process_report report = { .held_bytes = 210, .held_blocks = 5 };

		failing_alloc__after(nr++);
		err = fill(&report, &snapshot, 10, false, &source);
		failing_alloc__never();
		if (err) {
			assert_int_equal(err, -ENOMEM);
			assert_null(report.stacks.list);
			assert_int_equal(report.stacks.nr, 0);
		}
		aggregate__free(&report.stacks);
	} while (err && nr < 1000);
	assert_int_equal(err, 0);
	assert_true(nr > 5);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_largest_first_and_the_rest_summed),
		TEST(test_astray_walks_are_cut_and_folded),
		TEST(test_a_cut_walk_leaves_whole_ones_whole),
		TEST(test_the_immediate_caller_is_kept_wherever_it_is),
		TEST(test_what_no_site_has_is_shown_without_frames),
		TEST(test_block_lists_come_along),
		TEST(test_one_stack_of_many_processes),
		TEST(test_code_made_at_run_time),
		TEST(test_nothing_held),
		TEST(test_out_of_memory_leaves_no_stacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
