// SPDX-License-Identifier: GPL-2.0
/* Processes that share, copy or outlive another's memory, and memory that outlives its process. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#include "weight.h"

/* The record of the process that the tracer started: its parent is the tracer. */
static json_t *first_process(const struct run *run)
{
	json_t *record;
	size_t i;

	json_array_foreach(run->events, i,
			   record) if (!strcmp(text(record, "event"), "exit") &&
				       number(record, "ppid") == run->pid) return record;
	run__print(run);
	fail_msg("no exit record of the command itself");
	return NULL;
}

static struct run *trace_relatives(const char *how)
{
	struct run *run = trace_all(ARGS(victim("relatives"), how));
	struct truth truth = truth_of(run, 0);

	assert_int_equal(run->exit_status, 0);
	assert_exact(first_process(run), &truth);
	assert_string_equal(text(first_process(run), "end.kind"), "exited");
	assert_true(truth_value(first_process(run), "end.memory_gone"));
	return run;
}

/* The child's blocks are in the parent's memory, and so are its frees. */
static void test_vfork(void **state)
{
	struct run *run = trace_relatives("vfork");
	(void)state;

	assert_int_equal(stacks_with(first_process(run), "keep_child").blocks, 5);
	assert_int_equal(stacks_with(first_process(run), "keep_parent").blocks, 9);
	assert_reclaimed(first_process(run));
	run__free(run);
}

/* That child leaves the shared memory by exec; nothing ends with it. */
static void test_vfork_and_exec(void **state)
{
	struct run *run = trace_relatives("vfork-exec");
	(void)state;

	assert_contains(run->out, "hello\n");
	assert_int_equal(stacks_with(first_process(run), "keep_child").blocks, 5);
	assert_reclaimed(first_process(run));
	run__free(run);
}

static void test_posix_spawn(void **state)
{
	struct run *run = trace_relatives("spawn");
	(void)state;

	assert_int_equal(stacks_with(first_process(run), "keep_child").blocks, 5);
	assert_reclaimed(first_process(run));
	run__free(run);
}

/* The copy frees and allocates at the same addresses: the parent's account must not notice. */
static void test_fork(void **state)
{
	struct run *run = trace_relatives("fork");
	(void)state;

	assert_int_equal(stacks_with(first_process(run), "keep_parent").blocks, 9);
	/*
	 * Pages of the parent were copied and shared for a while; at the end, all of them are its
	 * own.
	 */
	assert_true(json_is_true(field(first_process(run), "verified")));
	run__free(run);
}

/*
 * Asserts that this many of its bytes, or a few more, stay with a relative, and that this is no
 * leak.
 */
static void assert_shares(const json_t *record, pid_t relative, unsigned long long shared_bytes)
{
	char words[64];

	snprintf(words, sizeof(words), "shared with PID %d", relative);
	assert_true(truth_value(record, "verified"));
	assert_contains(text(record, "verified_why"), words);
	assert_in_range(number(record, "stays.shared_bytes"), shared_bytes, shared_bytes + MIB);
	/* The rest came back. */
	assert_in_range(number(record, "reclaimed.freed_page_bytes") +
				number(record, "stays.shared_bytes"),
			number(record, "reclaimed.rss_anon_bytes"),
			number(record, "reclaimed.rss_anon_bytes") + MIB);
}

/*
 * Runs until page frames were counted: another reader of the process's maps may be the one to free
 * them, so that can take more than one run.
 */
static struct run *run_counted(const char *const *options, const char *const *words)
{
	for (int i = 0; i < 10; i++) {
		struct run *run = run_weigh(options, words);
		pid_t pid = (pid_t)number(event_record(run, "exit", 0), "pid");
		const json_t *record = last_exit_record_of(run, pid);

		if (!is_null(record, "reclaimed.freed_page_bytes"))
			return run;
		assert_true(truth_value(record, "verified"));
		run__free(run);
	}
	fail_msg("page frames were never counted");
	return NULL;
}

static void check_copy_lives_on(const char *how, unsigned long long shared_bytes)
{
	struct run *run = run_counted(NO_ARGS, ARGS("nohuge=32", how));
	struct weight weight = weight_printed(run->out);

	/* Shared pages are resident for each process. */
	assert_figures(exit_record(run), &weight, 0);
	assert_shares(exit_record(run), pid_after(run->out, "child "), shared_bytes);
	run__free(run);
}

static void test_copy_lives_on(void **state)
{
	(void)state;
	check_copy_lives_on("child", 32 * MIB);
	check_copy_lives_on("halves", 16 * MIB);
}

/* The first process to end shares all pages, the last none any more. */
static void test_copy_ends_first(void **state)
{
	struct run *run = run_counted(ARGS("-f"), ARGS("nohuge=32", "brief"));
	struct weight weight = weight_printed(run->out);
	const json_t *first = last_exit_record_of(run, pid_after(run->out, "child "));
	pid_t parent = (pid_t)number(first, "ppid");
	const json_t *last = last_exit_record_of(run, parent);
	(void)state;

	assert_shares(first, parent, 32 * MIB);
	assert_weight(last, &weight, 0);
	assert_lacks(text(last, "verified_why"), "shared");
	run__free(run);
}

/* The process ends, its memory does not; then it does. */
static void test_memory_outlives_the_process(void **state)
{
	struct run *run = trace_all(ARGS(victim("relatives"), "outlive"));
	struct truth at_exit = truth_of(run, 0), at_end = truth_of(run, 1);
	pid_t pid;
	const json_t *first, *second;
	(void)state;

	assert_int_equal(run->exit_status, 8);
	first = event_record(run, "exit", 0);
	pid = (pid_t)number(first, "pid");
	assert_false(truth_value(first, "end.memory_gone"));
	assert_string_equal(text(first, "end.kind"), "exited");
	assert_int_equal(number(first, "end.code"), 8);
	assert_held(first, at_exit.held_bytes, at_exit.held_blocks);
	assert_true(!json_is_true(field(first, "verified")));
	second = exit_record_of(run, pid, 1);
	assert_true(truth_value(second, "end.memory_gone"));
	/* The child that stayed allocated two more blocks, under a PID that links may not know. */
	assert_int_equal(at_end.held_blocks, 12);
	if (number(second, "lost.events"))
		assert_held(second, at_exit.held_bytes, at_exit.held_blocks);
	else
		assert_held(second, at_end.held_bytes, at_end.held_blocks);
	assert_reclaimed(second);
	run__free(run);
}

static void check_shared(const struct run *run)
{
	const json_t *record = exit_record(run);

	assert_int_equal(run->exit_status, 0);
	assert_held(record, 1234, 1);
	assert_in_range(number(record, "reclaimed.rss_shmem_bytes"), 8 * MIB, 9 * MIB);
	/* Shared memory is not the process's own. */
	assert_true(number(record, "reclaimed.rss_anon_bytes") < (long long)(4 * MIB));
	assert_true(json_is_true(field(record, "verified")));
}

static void check_stays(const struct run *run)
{
	check_shared(run);
	assert_int_equal(number(exit_record(run), "stays.shmem_bytes"), 8 * MIB);
}

static void test_posix_shared_memory_stays(void **state)
{
	char name[64];
	int left;
	struct run *run;
	(void)state;

	if (access("/dev/shm", W_OK) != 0)
		SKIP("there is no /dev/shm here");
	snprintf(name, sizeof(name), "/memleak-test-%d", getpid());
	run = trace_all(ARGS(victim("shared_memory"), "posix", name));
	left = shm_unlink(name);
	check_stays(run);
	assert_int_equal(left, 0);
	run__free(run);
}

static void test_sysv_shared_memory_stays(void **state)
{
	struct run *run = trace_all(ARGS(victim("shared_memory"), "sysv"));
	int left = -1;
	(void)state;

	if (strstr(run->out, "shmget"))
		SKIP("this kernel has no System V shared memory");
	left = shmctl(atoi(run->out), IPC_RMID, NULL);
	check_stays(run);
	assert_int_equal(left, 0);
	run__free(run);
}

static void test_memfd(void **state)
{
	struct run *run = trace_all(ARGS(victim("shared_memory"), "memfd"));
	(void)state;

	check_shared(run);
	run__free(run);
}

static void test_anonymous_shared_memory(void **state)
{
	struct run *run = trace_all(ARGS(victim("shared_memory"), "anonymous"));
	(void)state;

	check_shared(run);
	run__free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_vfork),
		SYSTEM_TEST(test_vfork_and_exec),
		SYSTEM_TEST(test_posix_spawn),
		SYSTEM_TEST(test_fork),
		SYSTEM_TEST(test_copy_lives_on),
		SYSTEM_TEST(test_copy_ends_first),
		SYSTEM_TEST(test_memory_outlives_the_process),
		SYSTEM_TEST(test_posix_shared_memory_stays),
		SYSTEM_TEST(test_sysv_shared_memory_stays),
		SYSTEM_TEST(test_memfd),
		SYSTEM_TEST(test_anonymous_shared_memory),
	};

	return cmocka_run_group_tests_name("relatives", tests, harness__begin, harness__end);
}
