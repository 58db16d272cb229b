// SPDX-License-Identifier: GPL-2.0
/*
 * Processes whose first thread has left: /proc shows a zombie in their place, and the kernel finds
 * no memory by their PID, yet the other threads allocate.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon.h"

#define PROBED_S 60

/* Sends commands and waits until the daemon has answered nr_answers times in all. */
static void tell(struct child *daemon, const char *commands, unsigned int nr_answers)
{
	child__send(daemon, commands);
	child__wait_output(daemon, "ok\n", nr_answers, 30);
}

/* Makes the daemon's first thread leave. */
static void leave(struct child *daemon, unsigned int nr_answers)
{
	char path[64], byte;

	tell(daemon, "leave\n", nr_answers);
	snprintf(path, sizeof(path), "/proc/%d/exe", child__pid(daemon));
	for (double end_s = now_s() + 30; readlink(path, &byte, 1) > 0; pause_ms(20))
		if (now_s() > end_s)
			fail_msg("the first thread did not leave");
}

static pid_t other_thread(const struct child *daemon)
{
	pid_t pid = child__pid(daemon), other = 0;
	char path[64];
	struct dirent *entry;
	DIR *threads;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	threads = opendir(path);
	assert_non_null(threads);
	while ((entry = readdir(threads)))
		if (atoi(entry->d_name) > 0 && atoi(entry->d_name) != pid)
			other = atoi(entry->d_name);
	closedir(threads);
	assert_true(other > 0);
	return other;
}

static void wait_until_probed(pid_t pid, const char *path)
{
	for (double end_s = now_s() + PROBED_S; !text_is_touched(pid, path); pause_ms(20))
		if (now_s() > end_s)
			fail_msg("%s was never probed in process %d", path, pid);
}

/* Opens a second copy of libc in a namespace of its own, and takes blocks from it once probed. */
static void use_library(struct child *daemon, const char *path, unsigned int nr_answers)
{
	char command[4200];

	snprintf(command, sizeof(command), "load %s\n", path);
	tell(daemon, command, nr_answers);
	wait_until_probed(other_thread(daemon), path);
	pause_ms(200); /* one probe is there, the others follow */
	tell(daemon, "other 4 5000\n", nr_answers + 1);
}

static const char *libc_path(void)
{
	Dl_info info;

	assert_int_not_equal(dladdr(dlsym(RTLD_DEFAULT, "malloc"), &info), 0);
	return info.dli_fname;
}

/* Makes another file, which nobody has probed before. */
static const char *libc_copy(void)
{
	const char *copy = scratch("libc_copy.so");
	struct run *run = run_plain(ARGS("cp", libc_path(), copy));

	assert_int_equal(run->exit_status, 0);
	run__free(run);
	return copy;
}

/*
 * Checks that keep_blocks of 100 bytes and other_blocks of 5,000 were seen; the tracer ends with
 * the daemon.
 */
static void check_end(struct child *daemon, struct child *tracer, unsigned int keep_blocks,
		      unsigned int other_blocks)
{
	pid_t pid = child__pid(daemon);
	char link[64], exe[4096] = "";
	const json_t *record;
	struct run *run;

	snprintf(link, sizeof(link), "/proc/%d/exe", other_thread(daemon));
	assert_true(readlink(link, exe, sizeof(exe) - 1) > 0);
	end_daemon(daemon);
	run = child__finish(tracer, 60);
	assert_false(run->timed_out);
	assert_int_equal(run->exit_status, 0);
	record = exit_record_of(run, pid, 0);
	assert_string_equal(text(record, "end.kind"), "exited");
	assert_int_equal(number(record, "end.code"), 33);
	assert_string_equal(text(record, "exe"), exe);
	assert_true(truth_value(record, "late_attach"));
	assert_int_equal(stacks_with(record, "keep").blocks, keep_blocks);
	assert_int_equal(stacks_with(record, "keep").bytes, keep_blocks * 100);
	assert_int_equal(stacks_with(record, "keep_other").blocks, other_blocks);
	assert_int_equal(stacks_with(record, "keep_other").bytes, other_blocks * 5000);
	assert_int_equal(number(record, "totals.unknown_frees"), 0);
	assert_nothing_lost(record);
	assert_consistent(record);
	assert_reclaimed(record);
	run__free(run);
}

static void check_left_before(const char *option)
{
	struct child *daemon = start_daemon("obey"), *tracer;

	leave(daemon, 1);
	tell(daemon, "alloc 9 50\n", 2);
	tracer = start_tracer(ARGS("-T", "1000", "-p", pid_text(daemon), option));
	tell(daemon, "alloc 7 100\nfree 2\n", 4);
	use_library(daemon, libc_path(), 5);
	use_library(daemon, libc_copy(), 7);
	check_end(daemon, tracer, 5, 8);
}

static void test_left_before(void **state)
{
	(void)state;
	check_left_before(NULL);
}

static void test_left_before_with_follow(void **state)
{
	(void)state;
	check_left_before("-f");
}

/* When anybody's probe leaves a place, the kernel decides anew where its breakpoints belong. */
static void trace_and_leave(const struct child *bystander)
{
	struct run *run = run_tracer(ARGS("-p", pid_text(bystander), "0.1", "1"));

	assert_int_equal(run->exit_status, 0);
	run__free(run);
}

static void test_leaves_later(void **state)
{
	struct child *daemon = start_daemon("obey"), *bystander = start_daemon("obey"), *tracer;
	(void)state;

	tracer = start_tracer(ARGS("-T", "1000", "-p", pid_text(daemon)));
	tell(daemon, "alloc 3 100\n", 1);
	leave(daemon, 2);
	/* From now on, breakpoints are in every process. */
	wait_until_probed(child__pid(bystander), libc_path());
	trace_and_leave(bystander);
	end_daemon(bystander);
	tell(daemon, "alloc 7 100\nfree 2\n", 4);
	use_library(daemon, libc_path(), 5);
	use_library(daemon, libc_copy(), 7);
	check_end(daemon, tracer, 8, 8);
}

static void test_static_program(void **state)
{
	struct child *daemon = start_daemon("obey_static"), *tracer;
	(void)state;

	leave(daemon, 1);
	tracer = start_tracer(ARGS("-T", "1000", "-p", pid_text(daemon)));
	tell(daemon, "alloc 7 100\nfree 2\n", 3);
	check_end(daemon, tracer, 5, 0);
}

/* Only the program itself has its allocator, and nobody has mapped the program anew. */
static void test_static_program_of_the_system(void **state)
{
	struct child *daemon = start_daemon("obey_static"), *tracer;
	pid_t pid = child__pid(daemon);
	const json_t *record;
	struct run *run;
	(void)state;

	leave(daemon, 1);
	tracer = start_tracer(NO_ARGS);
	tell(daemon, "alloc 7 100\nfree 2\n", 3);
	end_daemon(daemon);
	child__wait_event(tracer, "exit", 1, 30);
	pause_ms(300);
	kill(child__pid(tracer), SIGINT);
	run = child__finish(tracer, 60);
	record = exit_record_of(run, pid, 0);
	assert_string_equal(text(record, "exe"), victim("obey_static"));
	assert_true(truth_value(record, "has_allocator"));
	assert_held(record, 500, 5);
	assert_reclaimed(record);
	run__free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_left_before),
		SYSTEM_TEST(test_left_before_with_follow),
		SYSTEM_TEST(test_leaves_later),
		SYSTEM_TEST(test_static_program),
		SYSTEM_TEST(test_static_program_of_the_system),
	};

	return cmocka_run_group_tests_name("first_thread", tests, harness__begin, harness__end);
}
