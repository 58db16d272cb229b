// SPDX-License-Identifier: GPL-2.0
/*
 * Every way to die: how it is reported, which blocks were held then, and which memory the kernel
 * took back.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

static void assert_end(const json_t *record, const char *kind, int code, int signal_number)
{
	assert_string_equal(text(record, "end.kind"), kind);
	if (code >= 0)
		assert_int_equal(number(record, "end.code"), code);
	else
		assert_true(is_null(record, "end.code"));
	if (signal_number > 0)
		assert_int_equal(number(record, "end.signal"), signal_number);
	else
		assert_true(is_null(record, "end.signal"));
	assert_true(truth_value(record, "end.memory_gone"));
}

static void check_way(const char *program, const char *way, const char *kind, int code,
		      int signal_number)
{
	struct run *run = trace_all(ARGS(victim(program), way));
	struct truth truth = truth_of(run, 0);
	const json_t *record = exit_record(run);

	assert_int_equal(run->exit_status, signal_number ? 128 + signal_number : code);
	assert_end(record, kind, code, signal_number);
	assert_exact(record, &truth);
	assert_int_equal(stacks_with(record, "keep").blocks, 11);
	assert_reclaimed(record);
	/* The victim touched one mebibyte. */
	assert_true(number(record, "reclaimed.rss_anon_bytes") >= (long long)MIB);
	run__free(run);
}

static void test_return(void **state)
{
	(void)state;
	check_way("die", "return", "exited", 0, 0);
	check_way("die", "status", "exited", 37, 0);
}

static void test_exit(void **state)
{
	(void)state;
	check_way("die", "exit", "exited", 3, 0);
}

static void test_raw_exit(void **state)
{
	(void)state;
	check_way("die", "_exit", "exited", 4, 0);
}

static void test_abort(void **state)
{
	(void)state;
	check_way("die", "abort", "signalled", -1, SIGABRT);
}

static void test_segv(void **state)
{
	(void)state;
	check_way("die", "segv", "signalled", -1, SIGSEGV);
}

static void test_term(void **state)
{
	(void)state;
	check_way("die", "term", "signalled", -1, SIGTERM);
}

static void test_kill(void **state)
{
	(void)state;
	check_way("die", "kill", "signalled", -1, SIGKILL);
}

static int allow_core(void *context)
{
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	(void)context;

	return setrlimit(RLIMIT_CORE, &unlimited);
}

static int forbid_core(void *context)
{
	const struct rlimit none = { 0, 0 };
	(void)context;

	return setrlimit(RLIMIT_CORE, &none);
}

static bool dumps_core_untraced(int (*limit)(void *))
{
	const char *argv[] = { victim("die"), "abort", NULL };
	struct child_options options = { .argv = argv,
					 .directory = scratch("."),
					 .prepare = limit };
	struct run *run = run_with(&options, 60);
	bool dumped;

	assert_int_equal(run->signal, SIGABRT);
	dumped = WCOREDUMP(run->wait_status);
	run__free(run);
	return dumped;
}

static void check_core(int (*limit)(void *), bool expected)
{
	const char *report = scratch("core.json");
	const char *argv[] = { tracer_path(), "--json",	     "-w",    report,
			       "--",	      victim("die"), "abort", NULL };
	struct child_options options = {
		.argv = argv, .directory = scratch("."), .report_path = report, .prepare = limit
	};
	struct run *run = run_with(&options, 60);

	assert_int_equal(run->exit_status, 128 + SIGABRT);
	assert_int_equal(truth_value(exit_record(run), "end.core_dumped"), expected);
	assert_true(json_is_true(field(exit_record(run), "verified")));
	run__free(run);
}

static void test_core_dump(void **state)
{
	(void)state;
	if (!dumps_core_untraced(allow_core))
		SKIP("the kernel dumps no core here, even untraced (core_pattern)");
	check_core(allow_core, true);
}

static void test_no_core_dump(void **state)
{
	(void)state;
	assert_false(dumps_core_untraced(forbid_core));
	check_core(forbid_core, false);
}

static void test_64_mebibytes(void **state)
{
	struct run *run = trace_all(ARGS(victim("leak64")));
	const json_t *record = exit_record(run);
	(void)state;

	assert_held(record, 64 * MIB, 1);
	assert_reclaimed(record);
	assert_in_range(number(record, "reclaimed.rss_anon_bytes"), 64 * MIB, 66 * MIB);
	/* Nothing was shared and nobody read the process's smaps: the frames were counted. */
	assert_false(is_null(record, "reclaimed.freed_page_bytes"));
	/* 128 KiB of page tables map 64 MiB of 4 KiB pages. */
	assert_in_range(number(record, "reclaimed.page_table_bytes"), 64 << 10, 1 << 20);
	assert_true(number(record, "reclaimed.rss_file_bytes") > 0);
	assert_int_equal(number(record, "reclaimed.swap_bytes"), 0);
	assert_true(number(record, "stays.page_cache_bytes") > 0);
	run__free(run);
}

/* Runs many times: the counters are per-CPU, and pages come back in batches. */
static void test_verdict_is_steady(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < scaled(20); i++) {
		struct run *run = trace_all(ARGS(victim("leak64")));

		assert_held(exit_record(run), 64 * MIB, 1);
		assert_reclaimed(exit_record(run));
		assert_in_range(number(exit_record(run), "reclaimed.rss_anon_bytes"), 64 * MIB,
				66 * MIB);
		run__free(run);
	}
}

static void check_exec(const char *way, long long max_rest,
		       void (*check_second)(const json_t *record, const struct truth *truth))
{
	struct run *run = trace_all(ARGS(victim("die"), way));
	struct truth before = truth_of(run, 0), after = truth_of(run, 1);
	const json_t *first, *second;

	assert_int_equal(run->exit_status, 6);
	assert_int_equal(count_events(run, "exit"), 2);
	first = event_record(run, "exit", 0);
	second = event_record(run, "exit", 1);
	/* One process, two address spaces. */
	assert_int_equal(number(first, "pid"), number(second, "pid"));
	assert_end(first, "exec", -1, 0);
	assert_contains(text(first, "end.exec_to"), "die");
	assert_exact_in(first, &before, ARGS("keep"), max_rest);
	assert_reclaimed(first);
	assert_end(second, "exited", 6, 0);
	check_second(second, &after);
	assert_reclaimed(second);
	run__free(run);
}

static void test_exec(void **state)
{
	(void)state;
	check_exec("exec", 0, assert_exact);
}

static void test_exec_with_threads(void **state)
{
	(void)state;
	/* A thread vector for each of the eight. */
	check_exec("exec-threads", 8, assert_exact);
}

/*
 * The thread that calls exec takes over the leader's id, but a link to the process is one to the
 * leader: the tracer attaches anew, and says that it may have missed something.
 */
static void test_exec_from_thread(void **state)
{
	(void)state;
	check_exec("exec-from-thread", 1, assert_exact_or_said);
}

static void check_leader_first(const char *program, const char *way, long long max_rest)
{
	struct run *run = trace_all(ARGS(program, way));
	struct truth truth = truth_of(run, 0);
	const json_t *record = exit_record(run);

	assert_int_equal(run->exit_status, 0);
	assert_end(record, "exited", 0, 0);
	assert_exact_in(record, &truth, ARGS("keep"), max_rest);
	assert_contains(text(record, "comm"), "die");
	/* Seven of these were made after the leader had gone. */
	assert_int_equal(truth.held_blocks, 18);
	assert_reclaimed(record);
	run__free(run);
}

static void test_leader_first(void **state)
{
	(void)state;
	check_leader_first(victim("die"), "leader-first", 1);
}

static void test_pthread_exit_of_main(void **state)
{
	(void)state;
	/* pthread_exit opens libgcc_s, for which the loader allocates. */
	check_leader_first(victim("die"), "pthread-exit", 40);
}

static void test_leader_first_musl(void **state)
{
	(void)state;
	check_leader_first(optional_victim("die_musl"), "leader-first", 0);
}

static void check_storm(const char *program, const char *way, const char *kind, int code,
			int signal_number)
{
	struct run *run = trace_all(ARGS(program, way));
	const json_t *record = exit_record(run);
	struct sum kept = stacks_with(record, "keep");

	assert_int_equal(run->exit_status, signal_number ? 128 + signal_number : code);
	assert_end(record, kind, code, signal_number);
	assert_nothing_lost(record);
	assert_consistent(record);
	assert_int_equal(kept.bytes, 10 * 1000 + MIB + 50 * 3 * 100);
	assert_int_equal(kept.blocks, 161);
	/* Each of the 50 was stopped with one block in its hands, or none. */
	assert_in_range(stacks_with(record, "hammer").blocks, 0, 50);
	assert_reclaimed(record);
	run__free(run);
}

static void test_exit_in_a_thread_storm(void **state)
{
	(void)state;
	check_storm(victim("die"), "storm", "exited", 5, 0);
}

static void test_kill_in_a_thread_storm(void **state)
{
	(void)state;
	check_storm(victim("die"), "storm-kill", "signalled", -1, SIGKILL);
}

static void test_thread_storm_musl(void **state)
{
	(void)state;
	check_storm(optional_victim("die_musl"), "storm", "exited", 5, 0);
}

/* A call whose thread was killed on its way back has not returned: nothing is lost. */
static void test_kill_in_a_probed_return(void **state)
{
	struct run *run = trace(ARGS("-f"), ARGS(victim("cut_return")));
	const json_t *record;
	(void)state;

	if (run->exit_status == 2) {
		run__free(run);
		SKIP("not on this processor");
	}
	assert_int_equal(run->exit_status, 0);
	record = last_exit_record_of(run, (pid_t)atoi(run->out));
	assert_end(record, "signalled", -1, SIGKILL);
	assert_nothing_lost(record);
	assert_reclaimed(record);
	run__free(run);
}

/* Others may read the maps of a dying process; the last to let go of its memory tears it down. */
static void test_verdict_under_a_reader_of_smaps(void **state)
{
	const char *const reader[] = {
		"sh", "-c",
		"while :; do for i in /proc/[0-9]*/smaps_rollup; do cat $i; done; done"
		" >/dev/null 2>&1",
		NULL
	};
	struct child_options options = { .argv = reader };
	struct child *child = child__start(&options);
	(void)state;

	for (unsigned int i = 0; i < scaled(20); i++) {
		struct run *run = trace_all(ARGS(victim("leak64")));
		const json_t *record = final_exit_record(run);

		assert_held(record, 64 * MIB, 1);
		assert_true(truth_value(record, "end.memory_gone"));
		/* The verdict may rest on counters alone. */
		assert_reclaimed(record);
		assert_in_range(number(record, "reclaimed.rss_anon_bytes"), 64 * MIB, 66 * MIB);
		run__free(run);
	}
	kill(child__pid(child), SIGKILL);
	run__free(child__finish(child, 10));
}

static void test_memory_of_the_machine(void **state)
{
	struct run *run = trace_all(ARGS(victim("leak64")));
	const json_t *total = event_record(run, "total", 0);
	unsigned long long kib = 0;
	char line[128];
	FILE *meminfo = fopen("/proc/meminfo", "r");
	(void)state;

	assert_non_null(meminfo);
	while (fgets(line, sizeof(line), meminfo) && sscanf(line, "MemTotal: %llu kB", &kib) != 1)
		;
	fclose(meminfo);
	for (int i = 0; i < 2; i++) {
		const json_t *memory = field(total, i ? "memory.after" : "memory.before");
		long long all = number(memory, "total_bytes");

		assert_int_equal(all, kib * 1024);
		assert_in_range(number(memory, "used_bytes"), 1, all);
		assert_in_range(number(memory, "free_bytes"), 1, all);
		assert_in_range(number(memory, "buff_cache_bytes"), 0, all);
		assert_in_range(number(memory, "available_bytes"), 1, all);
	}
	run__free(run);
}

/* The process is on its way out as long as the kernel takes its memory back: that is one end. */
static void test_teardown_that_takes_long(void **state)
{
	struct run *run = trace_all(ARGS(victim("slow_end")));
	(void)state;

	assert_int_equal(run->exit_status, 0);
	assert_int_equal(count_events(run, "exit"), 1);
	assert_true(truth_value(event_record(run, "exit", 0), "end.memory_gone"));
	assert_held(event_record(run, "exit", 0), 32 * MIB, 1);
	run__free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_return),
		SYSTEM_TEST(test_exit),
		SYSTEM_TEST(test_raw_exit),
		SYSTEM_TEST(test_abort),
		SYSTEM_TEST(test_segv),
		SYSTEM_TEST(test_term),
		SYSTEM_TEST(test_kill),
		SYSTEM_TEST(test_core_dump),
		SYSTEM_TEST(test_no_core_dump),
		SYSTEM_TEST(test_64_mebibytes),
		SYSTEM_TEST(test_verdict_is_steady),
		SYSTEM_TEST(test_exec),
		SYSTEM_TEST(test_exec_with_threads),
		SYSTEM_TEST(test_exec_from_thread),
		SYSTEM_TEST(test_leader_first),
		SYSTEM_TEST(test_pthread_exit_of_main),
		SYSTEM_TEST(test_leader_first_musl),
		SYSTEM_TEST(test_exit_in_a_thread_storm),
		SYSTEM_TEST(test_kill_in_a_thread_storm),
		SYSTEM_TEST(test_thread_storm_musl),
		SYSTEM_TEST(test_kill_in_a_probed_return),
		SYSTEM_TEST(test_verdict_under_a_reader_of_smaps),
		SYSTEM_TEST(test_memory_of_the_machine),
		SYSTEM_TEST(test_teardown_that_takes_long),
	};

	return cmocka_run_group_tests_name("exit", tests, harness__begin, harness__end);
}
