// SPDX-License-Identifier: GPL-2.0
/*
 * The path taken on each kernel: on the kernels that there are, and on ones that lack everything.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "probes/probe_paths.h"

static const struct probe_paths anything;
static char error[256];

/* A kernel that has these features, a bit each, and no others. */
static struct features kernel_with(unsigned int has)
{
	struct features features = { .system.release = "5.4.0" };

	for (int i = 0; i < NR_FEATURES; i++)
		features.missing[i] = has & (1U << i) ? 0 : EOPNOTSUPP;
	return features;
}

#define HAS(feature) (1U << FEATURE_##feature)
#define LINUX_5_10 (HAS(KPROBE_EXIT) | HAS(FENTRY) | HAS(UPROBE_PERF) | HAS(WRITE_TEXT))
#define LINUX_6_1 \
	(LINUX_5_10 | HAS(RAW_TP_EXIT_MMAP) | HAS(ON_DEMAND_MAPS) | HAS(ITERATORS) | HAS(UNWIND))
#define LINUX_6_12 (LINUX_6_1 | HAS(RAW_TP_PREPARE_EXEC) | HAS(UPROBE_MULTI))
#define LINUX_7_2 (LINUX_6_12 | HAS(EXIT_HAS_MEMORY) | HAS(UPROBE_SESSION))
#define WITHOUT_KPROBES (LINUX_7_2 & ~HAS(KPROBE_EXIT))
#define WITHOUT_FENTRY (WITHOUT_KPROBES & ~HAS(FENTRY))

static void assert_paths(unsigned int has, const char *exit_before, const char *exit_after,
			 const char *call_probes)
{
	struct features features = kernel_with(has);
	struct probe_paths paths;

	assert_int_equal(probe_paths__choose(&features, &anything, &paths, error, sizeof(error)),
			 0);
	assert_string_equal(probe_paths__exit_before_name(paths.exit_before), exit_before);
	assert_string_equal(probe_paths__exit_after_name(paths.exit_after), exit_after);
	assert_string_equal(probe_paths__call_probes_name(paths.call_probes), call_probes);
	assert_int_equal(paths.stack_walk,
			 has & HAS(UNWIND) ? STACK_WALK_TABLES : STACK_WALK_FRAME_POINTERS);
}

static void test_each_kernel_has_its_paths(void **state)
{
	(void)state;
	assert_paths(LINUX_5_10, "fentry", "fexit", "perf");
	assert_paths(LINUX_5_10 & ~HAS(FENTRY), "kprobe", "kretprobe", "perf");
	assert_paths(LINUX_6_1, "fentry", "tracepoint", "perf");
	assert_paths(LINUX_6_12, "fentry", "tracepoint", "multi");
	assert_paths(LINUX_7_2, "fentry", "tracepoint", "session");
	assert_paths(LINUX_7_2 & ~HAS(FENTRY), "kprobe", "tracepoint", "session");
	assert_paths(WITHOUT_KPROBES, "fentry", "tracepoint", "session");
	assert_paths(WITHOUT_FENTRY, "tracepoint", "tracepoint", "session");
}

static void assert_refused(unsigned int has, const struct probe_paths *wanted, const char *why)
{
	struct features features = kernel_with(has);
	struct probe_paths paths;

	assert_int_equal(probe_paths__choose(&features, wanted, &paths, error, sizeof(error)),
			 -EOPNOTSUPP);
	assert_string_equal(error, why);
}

static void test_a_kernel_without_a_way_is_refused(void **state)
{
	(void)state;
	assert_refused(
		LINUX_6_12 & ~(HAS(KPROBE_EXIT) | HAS(FENTRY)), &anything,
		"kernel 5.4.0 offers no way to see a process's memory at its end: it has no kprobes, does not allow fentry programs, and its sched_process_exit comes too late (before 6.16)");
	assert_refused(
		WITHOUT_FENTRY & ~HAS(RAW_TP_EXIT_MMAP), &anything,
		"kernel 5.4.0 offers no way to see when a process's memory is gone: it has no tracepoint exit_mmap (before 6.1), no fexit programs and no kprobes");
	assert_refused(LINUX_5_10 & ~HAS(UPROBE_PERF), &anything,
		       "kernel 5.4.0 refuses every kind of uprobe");
}

static void test_what_is_asked_for_is_taken(void **state)
{
	const struct probe_paths wanted = { EXIT_BEFORE_FENTRY, EXIT_AFTER_KRETPROBE,
					    CALL_PROBES_PERF, STACK_WALK_FRAME_POINTERS };
	struct features features = kernel_with(LINUX_7_2);
	struct probe_paths paths;
	struct probe_path_text text;

	(void)state;
	assert_int_equal(probe_paths__choose(&features, &wanted, &paths, error, sizeof(error)), 0);
	assert_memory_equal(&paths, &wanted, sizeof(paths));
	text = probe_paths__describe(&wanted, &paths, JOB_EXIT_AFTER);
	assert_string_equal(text.job, "exit after");
	assert_string_equal(text.name, "kretprobe");
	assert_string_equal(text.why, "asked for by --exit-after");
}

static void test_what_the_kernel_lacks_is_refused(void **state)
{
	const struct probe_paths tables = { .stack_walk = STACK_WALK_TABLES };
	const struct probe_paths session = { .call_probes = CALL_PROBES_SESSION };
	const struct probe_paths fentry = { .exit_before = EXIT_BEFORE_FENTRY };
	const struct probe_paths kretprobe = { .exit_before = EXIT_BEFORE_TRACEPOINT,
					       .exit_after = EXIT_AFTER_KRETPROBE };
	struct features features = kernel_with(WITHOUT_FENTRY);
	struct probe_paths paths;

	(void)state;
	assert_refused(
		LINUX_6_12, &session,
		"--attach session is not possible: kernel 5.4.0 has no uprobe sessions (before 6.13); see --features");
	assert_refused(
		LINUX_5_10, &tables,
		"--stack-walk tables is not possible: kernel 5.4.0 can't walk stacks by tables (before 5.17; x86-64 only); see --features");
	features.missing[FEATURE_FENTRY] = EPERM;
	assert_int_equal(probe_paths__choose(&features, &fentry, &paths, error, sizeof(error)),
			 -EOPNOTSUPP);
	assert_string_equal(
		error,
		"--exit-hook fentry is not possible: kernel 5.4.0 does not allow fentry programs: Operation not permitted; see --features");
	assert_refused(
		LINUX_7_2, &kretprobe,
		"--exit-after kretprobe goes with --exit-hook kprobe or fentry only: a missed one would not be noticed");
}

/* A trial that was not made is no reason to take that path. */
static void test_the_untried_is_not_taken(void **state)
{
	struct features features = kernel_with(LINUX_7_2);
	struct probe_paths paths;

	(void)state;
	features.missing[FEATURE_UPROBE_SESSION] = FEATURE_UNTRIED;
	features.missing[FEATURE_UPROBE_MULTI] = FEATURE_UNTRIED;
	assert_int_equal(probe_paths__choose(&features, &anything, &paths, error, sizeof(error)),
			 0);
	assert_int_equal(paths.call_probes, CALL_PROBES_PERF);
}

static void test_names_are_read_back(void **state)
{
	(void)state;
	assert_int_equal(probe_paths__exit_before("kprobe"), EXIT_BEFORE_KPROBE);
	assert_int_equal(probe_paths__exit_before("tracepoint"), EXIT_BEFORE_TRACEPOINT);
	assert_int_equal(probe_paths__exit_after("kretprobe"), EXIT_AFTER_KRETPROBE);
	assert_int_equal(probe_paths__call_probes("multi"), CALL_PROBES_MULTI);
	assert_int_equal(probe_paths__call_probes("Multi"), CALL_PROBES_ANY);
	assert_int_equal(probe_paths__call_probes(""), CALL_PROBES_ANY);
	assert_int_equal(probe_paths__stack_walk("frame-pointers"), STACK_WALK_FRAME_POINTERS);
	assert_int_equal(probe_paths__stack_walk("tables"), STACK_WALK_TABLES);
	assert_null(probe_paths__exit_before_name(EXIT_BEFORE_ANY));
}

static unsigned int nr_degraded(unsigned int has)
{
	struct features features = kernel_with(has);
	struct probe_paths paths;
	unsigned int n = 0;

	assert_int_equal(probe_paths__choose(&features, &anything, &paths, error, sizeof(error)),
			 0);
	while (probe_paths__degraded(&features, &paths, n))
		n++;
	return n;
}

static void test_what_is_degraded(void **state)
{
	(void)state;
	assert_int_equal(nr_degraded(LINUX_6_1), 0);
	assert_int_equal(nr_degraded(LINUX_7_2), 0);
	assert_int_equal(nr_degraded(LINUX_7_2 & ~HAS(WRITE_TEXT)), 1);
	assert_int_equal(nr_degraded(LINUX_5_10), 3);
	assert_int_equal(nr_degraded(LINUX_5_10 & ~HAS(FENTRY)), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_kernel_has_its_paths),
		cmocka_unit_test(test_a_kernel_without_a_way_is_refused),
		cmocka_unit_test(test_what_is_asked_for_is_taken),
		cmocka_unit_test(test_what_the_kernel_lacks_is_refused),
		cmocka_unit_test(test_the_untried_is_not_taken),
		cmocka_unit_test(test_names_are_read_back),
		cmocka_unit_test(test_what_is_degraded),
	};

	return cmocka_run_group_tests_name("probe_paths", tests, NULL, NULL);
}
