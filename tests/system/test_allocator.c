// SPDX-License-Identifier: GPL-2.0
/*
 * Compares figures with each victim's own truth, block by block: held, allocated, freed and
 * refused.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

/* Traces a victim of one thread, whose libc allocates nothing for itself. */
static struct run *trace_exact(const char *const *command)
{
	struct run *run = trace_all(command);
	struct truth truth = truth_of(run, 0);

	assert_int_equal(run->exit_status, 0);
	assert_exact(exit_record(run), &truth);
	return run;
}

static void check_family(const json_t *record, bool has_pvalloc)
{
	static const struct {
		const char *function;
		unsigned long long size;
	} uses[] = {
		{ "use_malloc", 101 },	       { "use_calloc", 7 * 29 },
		{ "use_realloc", 307 },	       { "use_reallocarray", 11 * 37 },
		{ "use_memalign", 503 },       { "use_aligned_alloc", 640 },
		{ "use_posix_memalign", 701 }, { "use_valloc", 809 },
		{ "use_pvalloc", 907 },
	};

	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]) - !has_pvalloc; i++) {
		struct sum sum = stacks_with(record, uses[i].function);

		if (sum.blocks != 2 || sum.bytes != 2 * uses[i].size)
			fail_msg("%s holds %llu bytes in %llu blocks", uses[i].function, sum.bytes,
				 sum.blocks);
	}
}

static void test_family(void **state)
{
	struct run *run = trace_exact(ARGS(victim("family")));
	(void)state;

	check_family(exit_record(run), true);
	run__free(run);
}

/* Blocks that libc gets for the program: no walk by frame pointers gets past libc's strdup. */
static void test_copied_text(void **state)
{
	(void)state;
	run__free(trace_exact(ARGS(victim("copied_text"))));
}

/* Beside libc's, and as exact. */
static void test_own_names(void **state)
{
	struct run *run = trace_exact(ARGS(victim("own_names")));
	const json_t *record = exit_record(run);
	(void)state;

	assert_int_equal(stacks_with(record, "use_malloc").blocks, 20);
	assert_int_equal(stacks_with(record, "use_mallocx").blocks, 20 + 10);
	assert_int_equal(stacks_with(record, "use_rallocx").blocks, 20);
	assert_int_equal(stacks_with(record, "use_xallocx").blocks, 10);
	assert_int_equal(number(record, "totals.failed"), 10);
	assert_int_equal(number(record, "totals.unknown_frees"), 0);
	run__free(run);
}

static void test_chosen_objects(void **state)
{
	struct run *run;
	(void)state;

	/* Its blocks of libc's malloc, and no others. */
	run = trace(ARGS("-O", "libc.so.6"), ARGS(victim("own_names")));
	assert_held(exit_record(run), 20 * 21 / 2, 20);
	run__free(run);
	/* A path; and a file that has none is told of. */
	run = trace(ARGS("-T", "1000", "-O", victim("own_names"), "-O", "libm.so"),
		    ARGS(victim("own_names")));
	assert_int_equal(stacks_with(exit_record(run), "use_mallocx").blocks, 30);
	assert_int_equal(stacks_with(exit_record(run), "main").blocks, 20 + 20 + 30 + 20 + 10);
	assert_string_equal(run->err, "memleak-bpf: warning: no process that was traced maps an "
				      "allocator in libm.so (-O)\n");
	run__free(run);
	/* Unknown rather than 0. */
	run = trace(ARGS("-O", "libnone.so"), ARGS(victim("own_names")));
	assert_true(json_is_null(json_object_get(exit_record(run), "held")));
	run__free(run);
}

static void test_prefix_of_the_user(void **state)
{
	struct run *run = trace(ARGS("-T", "1000"), ARGS(victim("own_names_pool")));
	struct truth truth = truth_of(run, 0);
	(void)state;

	/* 20 blocks of libc's malloc, and none of the others. */
	assert_held(exit_record(run), 20 * 21 / 2, 20);
	run__free(run);
	run = trace(ARGS("-T", "1000", "-S", "no_", "-S", "pool_"), ARGS(victim("own_names_pool")));
	assert_exact(exit_record(run), &truth);
	assert_contains(run->err, "functions no_malloc and no_free (-S no_)\n");
	assert_one_line(run->err);
	run__free(run);
}

/* A static glibc allocates a few blocks for its loader's paths before main. */
#define STATIC_START_BLOCKS 10

static void test_family_static(void **state)
{
	struct run *run = trace_all(ARGS(victim("family_static")));
	struct truth truth = truth_of(run, 0);
	(void)state;

	assert_exact_in(exit_record(run), &truth, ARGS("main"), STATIC_START_BLOCKS);
	check_family(exit_record(run), true);
	run__free(run);
}

static void test_family_musl(void **state)
{
	struct run *run = trace_exact(ARGS(optional_victim("family_musl")));
	(void)state;

	check_family(exit_record(run), false);
	run__free(run);
}

static void test_family_musl_static(void **state)
{
	struct run *run = trace_exact(ARGS(optional_victim("family_muslstatic")));
	(void)state;

	check_family(exit_record(run), false);
	run__free(run);
}

static void test_realloc_forms(void **state)
{
	struct run *run = trace_exact(ARGS(victim("realloc_forms")));
	const json_t *record = exit_record(run);
	(void)state;

	assert_int_equal(stacks_with(record, "keep_resized").bytes, 50);
	assert_int_equal(stacks_with(record, "keep_remapped").bytes, 2 * MIB);
	assert_int_equal(stacks_with(record, "keep_across_failure").bytes, 800);
	assert_int_equal(stacks_with(record, "keep_same_size").bytes, 64);
	assert_int_equal(stacks_with(record, "free_by_realloc").blocks, 0);
	run__free(run);
}

static void test_realloc_forms_musl(void **state)
{
	struct run *run = trace_exact(ARGS(optional_victim("realloc_forms_musl")));
	(void)state;

	/* In this libc, realloc(block, 0) returns a block of no bytes. */
	assert_int_equal(stacks_with(exit_record(run), "free_by_realloc").blocks, 1);
	run__free(run);
}

static void test_failed_calls(void **state)
{
	struct run *run = trace_exact(ARGS(victim("failed")));
	(void)state;

	assert_int_equal(number(exit_record(run), "totals.failed"), 20);
	run__free(run);
}

static void test_blocks_of_no_bytes(void **state)
{
	struct run *run = trace_exact(ARGS(victim("zero")));
	(void)state;

	assert_held(exit_record(run), 0, 9);
	run__free(run);
}

static void test_blocks_of_no_bytes_musl(void **state)
{
	struct run *run = trace_exact(ARGS(optional_victim("zero_musl")));
	(void)state;

	assert_held(exit_record(run), 0, 9);
	run__free(run);
}

static void test_frees_from_another_thread(void **state)
{
	struct run *run = trace_all(ARGS(victim("cross_free")));
	struct truth truth = truth_of(run, 0);
	const json_t *record = exit_record(run);
	(void)state;

	assert_exact_in(record, &truth, ARGS("fill"), 1);
	assert_int_equal(number(record, "totals.freed_blocks"), truth.freed_blocks);
	assert_in_range(number(record, "totals.unknown_frees"), 0, cached_frees(1));
	assert_int_equal(truth.held_blocks, 200);
	run__free(run);
}

static void check_hammer(const char *program, const char *threads, const char *rounds,
			 long long start_blocks, bool glibc)
{
	struct run *run = trace_all(ARGS(program, threads, rounds, "25"));
	struct truth truth = truth_of(run, 0);
	const json_t *record = exit_record(run);
	long long rest;

	assert_int_equal(run->exit_status, 0);
	assert_contains(run->out, "hammered\n");
	assert_int_equal(truth.held_blocks, 25 * atoi(threads));
	assert_exact_in(record, &truth, ARGS("keep"), atoi(threads) + start_blocks);
	/* Blocks that came and went are counted too: only the libc's own blocks are more. */
	rest = number(record, "totals.allocated_blocks") - truth.allocated_blocks;
	assert_in_range(rest, 0, atoi(threads) + 2 * start_blocks);
	/*
	 * glibc keeps a few stacks of ended threads; the thread vectors of the others go with their
	 * stacks.
	 */
	rest = number(record, "totals.freed_blocks") - truth.freed_blocks;
	assert_in_range(rest, 0, atoi(threads) + start_blocks);
	assert_in_range(number(record, "totals.unknown_frees"), 0,
			glibc ? cached_frees(atoi(threads)) : 0);
	run__free(run);
}

static void test_hammer(void **state)
{
	(void)state;
	check_hammer(victim("hammer"), "8", "4000", 0, true);
}

static void test_hammer_with_many_threads(void **state)
{
	(void)state;
	check_hammer(victim("hammer"), "64", "300", 0, true);
}

static void test_hammer_static(void **state)
{
	(void)state;
	check_hammer(victim("hammer_static"), "8", "2000", STATIC_START_BLOCKS, true);
}

static void test_hammer_musl(void **state)
{
	(void)state;
	check_hammer(optional_victim("hammer_musl"), "8", "2000", 0, false);
}

static void test_signal_handler_allocates(void **state)
{
	struct run *run = trace_exact(ARGS(victim("in_handler")));
	(void)state;

	assert_int_equal(stacks_with(exit_record(run), "keep_in_handler").blocks, 40);
	assert_int_equal(stacks_with(exit_record(run), "keep_outside").blocks, 40);
	run__free(run);
}

static void test_library_opened_later(void **state)
{
	struct run *run = trace_all(ARGS(victim("load_plugin")));
	const json_t *record = exit_record(run), *stack;
	struct truth truth = truth_of(run, 0);
	long long kept = 0;
	size_t i;
	(void)state;

	assert_exact_in(record, &truth, ARGS("plugin_keep"), 40);
	/* Its code was unmapped long before the report. */
	json_array_foreach(field(record, "stacks"), i, stack)
	{
		if (strcmp(frame_function(stack, 0), "plugin_keep") != 0)
			continue;
		/* It keeps blocks at once: some before its unwind table is there, some after. */
		kept += number(stack, "bytes");
		assert_contains(text(json_array_get(field(stack, "frames"), 0), "module"),
				"libplugin.so");
		assert_contains(text(json_array_get(field(stack, "frames"), 0), "file"),
				"plugin.c");
	}
	assert_int_equal(kept, 5400);
	run__free(run);
}

/* Every form of new and delete ends in malloc and free, once for each. */
static void test_cxx(void **state)
{
	struct run *run = trace_all(ARGS(victim("shapes")));
	struct truth truth = truth_of(run, 0);
	const json_t *record = exit_record(run);
	(void)state;

	/* libstdc++ keeps a pool for exceptions. */
	assert_exact_in(record, &truth, ARGS("main"), 1);
	assert_int_equal(number(record, "totals.freed_bytes"), truth.freed_bytes);
	assert_int_equal(stacks_with(record, "every_form").blocks, 0);
	run__free(run);
}

static void test_each_stack_is_its_own(void **state)
{
	char count[16];
	struct run *run;
	(void)state;

	snprintf(count, sizeof(count), "%u", scaled(2000));
	run = trace_exact(ARGS(victim("many_stacks"), count, "20"));
	assert_int_equal(all_stacks(exit_record(run)).stacks, scaled(2000));
	run__free(run);
}

static void test_deep_stack_is_cut_and_says_so(void **state)
{
	struct run *run = trace_exact(ARGS(victim("many_stacks"), "1", "400"));
	const json_t *stack = json_array_get(field(exit_record(run), "stacks"), 0);
	(void)state;

	assert_true(truth_value(stack, "truncated"));
	assert_string_equal(frame_function(stack, 0), "leaf");
	assert_true(json_array_size(field(stack, "frames")) > 100);
	run__free(run);
}

static void test_peak_is_known_or_null(void **state)
{
	struct run *run = trace_exact(ARGS(victim("realloc_forms")));
	const json_t *record = exit_record(run);
	(void)state;

	/* Either not measured, or at least what was held at any moment: 8 MiB after the mremap. */
	if (!is_null(record, "totals.peak_bytes"))
		assert_true(number(record, "totals.peak_bytes") >= (long long)(8 * MIB));
	run__free(run);
}

/* Every field of the documented lines, with its type. */
static void test_json_fields(void **state)
{
	struct run *run = trace_all(ARGS(victim("leak64")));
	const json_t *start = event_record(run, "start", 0), *record = exit_record(run);
	const json_t *total = event_record(run, "total", 0);
	(void)state;

	assert_true(strlen(text(start, "version")) > 0);
	assert_true(strlen(text(start, "kernel")) > 0);
	assert_string_equal(text(start, "mode"), "command");
	assert_true(number(start, "probes.allocator_functions") >= 7);
	assert_true(strlen(text(start, "probes.exit")) > 0);
	assert_true(strlen(text(start, "probes.uprobe")) > 0);

	/* RFC 3339: 2026-01-31T23:59:59… */
	assert_true(strlen(text(record, "time")) >= 20);
	assert_int_equal(text(record, "time")[10], 'T');
	assert_true(number(record, "pid") > 1);
	assert_true(number(record, "ppid") > 0);
	assert_string_equal(text(record, "comm"), "leak64");
	assert_true(is_null(record, "not_looked_at"));
	assert_contains(text(record, "exe"), "/tests/victims/leak64");
	assert_int_equal(number(record, "uid"), 0);
	assert_true(is_null(record, "cgroup") || text(record, "cgroup")[0] == '/');
	assert_true(real(record, "run_s") > 0 && real(record, "run_s") < 60);
	assert_string_equal(text(record, "end.kind"), "exited");
	assert_int_equal(number(record, "end.code"), 0);
	assert_true(is_null(record, "end.signal"));
	assert_false(truth_value(record, "end.core_dumped"));
	assert_true(is_null(record, "end.exec_to"));
	assert_true(truth_value(record, "end.memory_gone"));
	assert_held(record, 64 * MIB, 1);
	assert_int_equal(number(record, "inherited.bytes"), 0);
	assert_int_equal(number(record, "inherited.blocks"), 0);
	assert_int_equal(number(record, "inherited.freed_blocks"), 0);
	assert_true(is_null(record, "inherited.from_pid"));
	assert_int_equal(number(record, "totals.allocated_bytes"), 64 * MIB);
	assert_int_equal(number(record, "totals.allocated_blocks"), 1);
	assert_int_equal(number(record, "totals.freed_bytes"), 0);
	assert_int_equal(number(record, "totals.freed_blocks"), 0);
	assert_int_equal(number(record, "totals.failed"), 0);
	assert_int_equal(number(record, "totals.unknown_frees"), 0);
	field(record, "totals.peak_bytes");
	assert_reclaimed(record);
	field(record, "reclaimed.hugetlb_bytes");
	field(record, "stays.page_cache_bytes");
	field(record, "stays.shared_bytes");
	field(record, "stays.shmem_bytes");
	assert_true(is_null(record, "leaks"));
	assert_nothing_lost(record);
	assert_true(is_null(json_array_get(field(record, "stacks"), 0), "kind"));

	assert_int_equal(number(total, "processes"), 1);
	assert_int_equal(number(total, "held_bytes"), 64 * MIB);
	assert_true(number(total, "reclaimed_bytes") >= (long long)(63 * MIB));
	run__free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_family),
		SYSTEM_TEST(test_copied_text),
		SYSTEM_TEST(test_own_names),
		SYSTEM_TEST(test_chosen_objects),
		SYSTEM_TEST(test_prefix_of_the_user),
		SYSTEM_TEST(test_family_static),
		SYSTEM_TEST(test_family_musl),
		SYSTEM_TEST(test_family_musl_static),
		SYSTEM_TEST(test_realloc_forms),
		SYSTEM_TEST(test_realloc_forms_musl),
		SYSTEM_TEST(test_failed_calls),
		SYSTEM_TEST(test_blocks_of_no_bytes),
		SYSTEM_TEST(test_blocks_of_no_bytes_musl),
		SYSTEM_TEST(test_frees_from_another_thread),
		SYSTEM_TEST(test_hammer),
		SYSTEM_TEST(test_hammer_with_many_threads),
		SYSTEM_TEST(test_hammer_static),
		SYSTEM_TEST(test_hammer_musl),
		SYSTEM_TEST(test_signal_handler_allocates),
		SYSTEM_TEST(test_library_opened_later),
		SYSTEM_TEST(test_cxx),
		SYSTEM_TEST(test_each_stack_is_its_own),
		SYSTEM_TEST(test_deep_stack_is_cut_and_says_so),
		SYSTEM_TEST(test_peak_is_known_or_null),
		SYSTEM_TEST(test_json_fields),
	};

	return cmocka_run_group_tests_name("allocator", tests, harness__begin, harness__end);
}
