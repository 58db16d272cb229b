// SPDX-License-Identifier: GPL-2.0
/*
 * Debian's jemalloc, tcmalloc, mimalloc and oneTBB: what programs hold under each, in libc's names
 * and in the allocator's own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"

#define LIBRARIES "/usr/lib/x86_64-linux-gnu/"

/* Their C++ library takes a pool of 72,704 bytes when it starts, TBB a few words. */
#define MAX_OWN_BLOCKS 2

static const struct allocator {
	const char *library;
	const char *names; /* for extended_names */
} allocators[] = {
	{ LIBRARIES "libjemalloc.so.2", "jemalloc" },
	{ LIBRARIES "libtcmalloc_minimal.so.4", "tc_" },
	{ LIBRARIES "libmimalloc.so", "mi_" },
	{ LIBRARIES "libtbbmalloc_proxy.so.2", "scalable_" },
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

static struct run *trace_under(const struct allocator *allocator, const char *const *victim)
{
	const char *preload = words("LD_PRELOAD=%s", allocator->library);

	return trace(ARGS("-T", "1000"), ARGS("env", preload, victim[0], victim[1]));
}

/* Exact in the functions of the victim; nothing else but the libraries' own blocks. */
static void check(const struct allocator *allocator, const char *const *victim,
		  const char *const *functions)
{
	struct run *run = trace_under(allocator, victim);
	struct truth truth = truth_of(run, 0);
	/* After that of env, which the victim replaced. */
	const json_t *record = event_record(run, "exit", count_events(run, "exit") - 1);

	print_message("%s: %s\n", allocator->library, victim[0]);
	assert_int_equal(run->exit_status, 0);
	assert_null(strstr(run->out, "no ")); /* a name that the library lacks */
	assert_exact_in(record, &truth, functions, MAX_OWN_BLOCKS);
	assert_in_range(number(record, "totals.allocated_blocks") - truth.allocated_blocks, 0,
			2 * MAX_OWN_BLOCKS);
	assert_in_range(number(record, "totals.freed_blocks") - truth.freed_blocks, 0,
			MAX_OWN_BLOCKS);
	assert_int_equal(number(record, "totals.unknown_frees"), 0);
	assert_false(truth_value(record, "late_attach"));
	assert_nothing_lost(record);
	run__free(run);
}

static void test_names_of_libc(void **state)
{
	(void)state;
	for (size_t i = 0; i < NR_ALLOCATORS; i++)
		check(&allocators[i], ARGS(victim("family"), "portable"),
		      ARGS("use_malloc", "use_calloc", "use_realloc", "use_reallocarray",
			   "use_memalign", "use_aligned_alloc", "use_posix_memalign",
			   "use_valloc"));
}

static void test_own_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < NR_ALLOCATORS; i++)
		check(&allocators[i], ARGS(victim("extended_names"), allocators[i].names),
		      ARGS("keep", "make_old"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_names_of_libc),
		SYSTEM_TEST(test_own_names),
	};

	return cmocka_run_group_tests_name("real_allocators", tests, look_for_libraries,
					   harness__end);
}
