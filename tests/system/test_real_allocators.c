// SPDX-License-Identifier: GPL-2.0
/*
 * Debian's jemalloc, tcmalloc, mimalloc and oneTBB: what programs hold under each, in libc's names
 * and in the allocator's own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exits_by_name.h"
#include "harness.h"

#define LIBRARIES "/usr/lib/x86_64-linux-gnu/"

/* The C++ library takes a pool of 72,704 bytes when it starts, and each allocator a few words. */
#define MAX_OWN_BLOCKS 8

#define NEW_CALLERS ARGS("keep(int, unsigned long)")

static const struct allocator {
	const char *library;
	const char *names; /* for extended_names */
	bool throws; /* else it ends the program when new can't be satisfied */
} allocators[] = {
	{ LIBRARIES "libjemalloc.so.2", "jemalloc", true },
	{ LIBRARIES "libtcmalloc_minimal.so.4", "tc_", true },
	{ LIBRARIES "libmimalloc.so", "mi_", false },
	{ LIBRARIES "libtbbmalloc_proxy.so.2", "scalable_", true },
};

#define NR_ALLOCATORS (sizeof(allocators) / sizeof(allocators[0]))

/* The libraries are of test packages, so that each one is there is checked. */
static int look_for_libraries(void **state)
{
	(void)state;
	for (size_t i = 0; i < NR_ALLOCATORS; i++)
		if (access(allocators[i].library, R_OK)) {
			print_error("no %s: make check-deps\n", allocators[i].library);
			return -1;
		}
	return harness__begin(state);
}

/* The ways of attaching; each that this kernel has is tested. */
static const char *const ways[] = { "session", "multi", "perf" };

static bool kernel_can(const char *way)
{
	char feature[32];

	snprintf(feature, sizeof(feature), "uprobe_%s", way);
	return kernel_has(feature);
}

static struct run *trace_under(const struct allocator *allocator, const char *way,
			       const char *const *victim)
{
	const char *preload = words("LD_PRELOAD=%s", allocator->library);

	return trace(way ? ARGS("-T", "1000", "--attach", way) : ARGS("-T", "1000"),
		     ARGS("env", preload, victim[0], victim[1]));
}

/*
 * Exact in the functions of the victim; nothing else but the libraries' own blocks. way: NULL for
 * the one that the tracer takes unasked. caught: how many exceptions the victim gets from new. Each
 * is in a block that the allocator gets inside that call, so that its free is the free of a block
 * that was not recorded.
 */
static void check_by(const char *way, const struct allocator *allocator, const char *const *victim,
		     const char *const *functions, long long caught)
{
	struct run *run = trace_under(allocator, way, victim);
	struct truth truth = truth_of(run, 0);
	/* After that of env, which the victim replaced. */
	const json_t *record = event_record(run, "exit", count_events(run, "exit") - 1);

	print_message("%s: %s, by %s\n", allocator->library, victim[0], way ? way : "default");
	assert_int_equal(run->exit_status, 0);
	assert_null(strstr(run->out, "no ")); /* a name that the library lacks */
	assert_exact_in(record, &truth, functions, MAX_OWN_BLOCKS);
	assert_in_range(number(record, "totals.allocated_blocks") - truth.allocated_blocks, 0,
			2 * MAX_OWN_BLOCKS);
	assert_in_range(number(record, "totals.freed_blocks") - truth.freed_blocks, 0,
			MAX_OWN_BLOCKS);
	assert_int_equal(number(record, "totals.unknown_frees"), caught);
	assert_false(truth_value(record, "late_attach"));
	assert_nothing_lost(record);
	run__free(run);
}

static void check(const struct allocator *allocator, const char *const *victim,
		  const char *const *functions, long long caught)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (kernel_can(ways[i]))
			check_by(ways[i], allocator, victim, functions, caught);
}

static void test_names_of_libc(void **state)
{
	(void)state;
	for (size_t i = 0; i < NR_ALLOCATORS; i++)
		check_by(NULL, &allocators[i], ARGS(victim("family"), "portable"),
			 ARGS("use_malloc", "use_calloc", "use_realloc", "use_reallocarray",
			      "use_memalign", "use_aligned_alloc", "use_posix_memalign",
			      "use_valloc"),
			 0);
}

static void test_own_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < NR_ALLOCATORS; i++)
		check_by(NULL, &allocators[i], ARGS(victim("extended_names"), allocators[i].names),
			 ARGS("keep", "make_old", "resize"), 0);
}

static void test_new_and_delete(void **state)
{
	(void)state;
	for (size_t i = 0; i < NR_ALLOCATORS; i++)
		check(&allocators[i], ARGS(victim("new_forms"), NULL), NEW_CALLERS, 0);
}

/* Exceptions go through the probed functions, and are caught. */
static void test_new_that_throws(void **state)
{
	(void)state;
	for (size_t i = 0; i < NR_ALLOCATORS; i++)
		if (allocators[i].throws)
			check(&allocators[i], ARGS(victim("new_forms"), "refused"), NEW_CALLERS,
			      20);
}

/*
 * At a ret the return address is still on the stack, where no walk by frame pointers looks for it.
 * (oneTBB has no aligned forms. Those of libstdc++ have no frame pointers.)
 */
static void test_frame_pointers(void **state)
{
	(void)state;
	for (size_t i = 0; i < NR_ALLOCATORS; i++) {
		const char *preload = words("LD_PRELOAD=%s", allocators[i].library);
		struct run *run;
		struct truth truth;

		if (strstr(preload, "tbb"))
			continue;
		run = trace(ARGS("-T", "1000", "--stack-walk", "frame-pointers"),
			    ARGS("env", preload, victim("new_forms")));
		truth = truth_of(run, 0);
		assert_exact_in(event_record(run, "exit", count_events(run, "exit") - 1), &truth,
				NEW_CALLERS, MAX_OWN_BLOCKS);
		run__free(run);
	}
}

/*
 * Nobody has mapped the library yet when the tracer of the whole system starts: the first process
 * with it is seen from its first block.
 */
static void test_first_process_of_the_system(void **state)
{
	(void)state;
	for (size_t i = 0; i < NR_ALLOCATORS; i++) {
		const char *preload = words("LD_PRELOAD=%s", allocators[i].library);
		struct child *tracer = start_tracer(ARGS("-T", "1000"));
		struct run *program = run_plain(ARGS("env", preload, victim("family"), "portable"));
		struct truth truth = truth_of(program, 0);
		struct run *run = stop_tracer(tracer);
		const json_t *record = only_exit(run, "family");

		print_message("%s\n", allocators[i].library);
		assert_false(truth_value(record, "late_attach"));
		assert_exact_in(record, &truth,
				ARGS("use_malloc", "use_calloc", "use_realloc", "use_reallocarray",
				     "use_memalign", "use_aligned_alloc", "use_posix_memalign",
				     "use_valloc"),
				MAX_OWN_BLOCKS);
		run__free(program);
		run__free(run);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_names_of_libc),  SYSTEM_TEST(test_own_names),
		SYSTEM_TEST(test_new_and_delete), SYSTEM_TEST(test_new_that_throws),
		SYSTEM_TEST(test_frame_pointers), SYSTEM_TEST(test_first_process_of_the_system),
	};

	return cmocka_run_group_tests_name("real_allocators", tests, look_for_libraries,
					   harness__end);
}
