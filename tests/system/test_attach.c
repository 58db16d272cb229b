// SPDX-License-Identifier: GPL-2.0
/* Running processes, by -p: their calls are seen from the attach on, and they live on unharmed. */
#include <dlfcn.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"
#include "options.h"

/*
 * Starts a daemon that does what it is told; it holds and forgets some blocks before anybody looks.
 */
static struct child *start_daemon(const char *name)
{
	const char *argv[] = { victim(name), NULL };
	struct child_options options = { .argv = argv, .stdin_pipe = true };
	struct child *child = child__start(&options);

	child__wait_output(child, "ready\n", 1, 30);
	child__send(child, "alloc 20 300\nreset\n");
	child__wait_output(child, "ok\n", 2, 30);
	return child;
}

/* Sends commands and waits until the daemon has answered nr_answers times in all. */
static void tell(struct child *child, const char *commands, unsigned int nr_answers)
{
	child__send(child, commands);
	child__wait_output(child, "ok\n", nr_answers, 30);
}

static const char *pid_text(const struct child *a, const struct child *b)
{
	static char buffer[2][64];
	static int next;
	char *result = buffer[next++ % 2];

	if (b)
		snprintf(result, 64, "%d,%d", child__pid(a), child__pid(b));
	else
		snprintf(result, 64, "%d", child__pid(a));
	return result;
}

static struct run *end_daemon(struct child *daemon)
{
	struct run *run;

	tell(daemon, "", 2);
	child__send(daemon, "exit 33\n");
	run = child__finish(daemon, 30);
	assert_int_equal(run->exit_status, 33);
	return run;
}

static void test_kill_of_the_daemon(void **state)
{
	struct child *daemon = start_daemon("obey");
	pid_t pid = child__pid(daemon);
	struct child *tracer = start_tracer(ARGS("-p", pid_text(daemon, NULL)));
	const json_t *record;
	struct run *run;
	(void)state;

	tell(daemon, "alloc 7 1000\nalloc 3 50\nfree 1\nalloc 2 70\n", 6);
	kill(pid, SIGKILL);
	run__free(child__finish(daemon, 10));
	run = child__finish(tracer, 30);
	assert_false(run->timed_out);
	assert_int_equal(run->exit_status, STATUS_OK);
	assert_string_equal(text(event_record(run, "start", 0), "mode"), "pid");
	record = exit_record(run);
	assert_int_equal(number(record, "pid"), pid);
	assert_string_equal(text(record, "end.kind"), "signalled");
	assert_int_equal(number(record, "end.signal"), SIGKILL);
	assert_true(truth_value(record, "late_attach"));
	assert_held(record, 7 * 1000 + 2 * 50 + 2 * 70, 11);
	assert_int_equal(stacks_with(record, "keep").blocks, 11);
	assert_int_equal(number(record, "totals.freed_blocks"), 1);
	assert_int_equal(number(record, "totals.unknown_frees"), 0);
	assert_nothing_lost(record);
	assert_consistent(record);
	assert_reclaimed(record);
	run__free(run);
}

/* Frees of earlier blocks are counted apart, and take nothing from the held blocks. */
static void test_blocks_from_before(void **state)
{
	struct child *daemon = start_daemon("obey");
	struct child *tracer = start_tracer(ARGS("-p", pid_text(daemon, NULL)));
	const json_t *record;
	struct run *run;
	(void)state;

	tell(daemon, "free 5\nalloc 4 60\nfree 2\nfree 6\n", 6);
	run__free(end_daemon(daemon));
	run = child__finish(tracer, 30);
	record = exit_record(run);
	assert_held(record, 0, 0);
	assert_int_equal(number(record, "totals.allocated_blocks"), 4);
	assert_int_equal(number(record, "totals.freed_blocks"), 4);
	assert_int_equal(number(record, "totals.unknown_frees"), 9);
	assert_int_equal(number(record, "end.code"), 33);
	run__free(run);
}

static void test_late_attach_is_said(void **state)
{
	struct child *daemon = start_daemon("obey");
	const char *argv[] = { tracer_path(), "-p", pid_text(daemon, NULL), "0.2", "1", NULL };
	struct child_options options = { .argv = argv };
	struct run *run = run_with(&options, 60);
	(void)state;

	assert_int_equal(run->exit_status, STATUS_OK);
	/* With -p the report is on stdout. */
	assert_contains(run->out, "not counted");
	assert_contains(run->out, "outstanding");
	run__free(run);
	run__free(end_daemon(daemon));
}

static void test_interval_and_count(void **state)
{
	struct child *daemon = start_daemon("obey");
	struct child *tracer = start_tracer(ARGS("-p", pid_text(daemon, NULL), "1", "3"));
	const json_t *first, *last;
	struct run *run;
	(void)state;

	tell(daemon, "alloc 5 111\n", 3);
	child__wait_event(tracer, "outstanding", 1, 30);
	tell(daemon, "alloc 5 222\nfree 1\n", 5);
	run = child__finish(tracer, 30);
	assert_false(run->timed_out);
	assert_int_equal(run->exit_status, STATUS_OK);
	assert_int_equal(count_events(run, "outstanding"), 3);
	assert_int_equal(count_events(run, "exit"), 0);
	assert_true(run->wall_s > 2.5);
	first = event_record(run, "outstanding", 0);
	last = event_record(run, "outstanding", 2);
	assert_true(truth_value(first, "late_attach"));
	assert_held(first, 5 * 111, 5);
	assert_held(last, 5 * 111 + 4 * 222, 9);
	assert_int_equal(stacks_with(last, "keep").blocks, 9);
	assert_int_equal(number(last, "pid"), child__pid(daemon));
	run__free(run);
	/* The tracer went by itself; the daemon stays. */
	run__free(end_daemon(daemon));
}

static void check_stop(int signal_number)
{
	struct bpf_objects before = bpf_objects_now();
	struct child *daemon = start_daemon("obey_static");
	struct child *tracer = start_tracer(ARGS("-p", pid_text(daemon, NULL)));
	pid_t pid = child__pid(daemon);
	struct run *run;

	tell(daemon, "alloc 6 90\n", 3);
	/* Otherwise the check below would say nothing. */
	assert_true(text_is_touched(pid, victim("obey_static")));
	kill(child__pid(tracer), signal_number);
	run = child__finish(tracer, 30);
	assert_false(run->timed_out);
	assert_int_equal(run->signal, 0);
	assert_int_equal(run->exit_status, STATUS_OK);
	assert_int_equal(count_events(run, "outstanding"), 1);
	assert_int_equal(count_events(run, "exit"), 0);
	assert_held(event_record(run, "outstanding", 0), 6 * 90, 6);
	assert_true(truth_value(event_record(run, "outstanding", 0), "late_attach"));
	run__free(run);

	assert_no_bpf_objects_since(&before);
	assert_text_untouched(pid, victim("obey_static"));
	/* It allocates and frees as before. */
	tell(daemon, "alloc 100 40\nfree 126\n", 5);
	run = end_daemon(daemon);
	run__free(run);
}

static void test_interrupt_ends_with_a_report(void **state)
{
	(void)state;
	check_stop(SIGINT);
}

static void test_terminate_ends_with_a_report(void **state)
{
	(void)state;
	check_stop(SIGTERM);
}

static void test_several_processes(void **state)
{
	struct child *one = start_daemon("obey"), *two = start_daemon("obey_static");
	pid_t pid_one = child__pid(one), pid_two = child__pid(two);
	struct child *tracer = start_tracer(ARGS("-p", pid_text(one, two)));
	struct run *run;
	(void)state;

	tell(one, "alloc 2 100\n", 3);
	tell(two, "alloc 3 200\n", 3);
	kill(pid_one, SIGTERM);
	run__free(child__finish(one, 10));
	child__wait_event(tracer, "exit", 1, 30);
	/* The other is still watched. */
	tell(two, "alloc 1 500\n", 4);
	run__free(end_daemon(two));
	run = child__finish(tracer, 30);
	assert_false(run->timed_out);
	assert_int_equal(run->exit_status, STATUS_OK);
	assert_int_equal(count_events(run, "exit"), 2);
	assert_held(exit_record_of(run, pid_one, 0), 200, 2);
	assert_held(exit_record_of(run, pid_two, 0), 3 * 200 + 500, 4);
	assert_int_equal(number(event_record(run, "total", 0), "processes"), 2);
	assert_int_equal(number(event_record(run, "total", 0), "held_bytes"), 200 + 1100);
	run__free(run);
}

/* A process that shares the file but was not asked for is never recorded. */
static void test_bystander_is_not_recorded(void **state)
{
	struct child *wanted = start_daemon("obey"), *bystander = start_daemon("obey");
	struct child *tracer = start_tracer(ARGS("-p", pid_text(wanted, NULL), "0.3", "1"));
	const json_t *record;
	struct run *run;
	(void)state;

	tell(bystander, "alloc 50 100\n", 3);
	tell(wanted, "alloc 1 100\n", 3);
	run = child__finish(tracer, 30);
	assert_int_equal(count_events(run, "outstanding"), 1);
	record = event_record(run, "outstanding", 0);
	assert_int_equal(number(record, "pid"), child__pid(wanted));
	assert_held(record, 100, 1);
	run__free(run);
	run__free(end_daemon(wanted));
	run__free(end_daemon(bystander));
}

/*
 * This program maps the libc that the daemon maps. Where probes can be put into one process, it
 * must not find a breakpoint in its own code: it would pay for the trap, and under Valgrind die of
 * it.
 */
static void test_bystander_is_not_probed(void **state)
{
	const char *const functions[] = { "malloc", "calloc", "realloc", "free" };
	struct child *wanted = start_daemon("obey"), *tracer;
	unsigned char before[4][32], during[4][32];
	const void *code[4];
	struct run *run;
	(void)state;

	for (size_t i = 0; i < 4; i++) {
		code[i] = dlsym(RTLD_DEFAULT, functions[i]);
		assert_non_null(code[i]);
		memcpy(before[i], code[i], sizeof(before[i]));
	}
	tracer = start_tracer(ARGS("-p", pid_text(wanted, NULL)));
	for (size_t i = 0; i < 4; i++)
		memcpy(during[i], code[i], sizeof(during[i]));
	run__free(end_daemon(wanted));
	run = child__finish(tracer, 30);
	if (strcmp(text(event_record(run, "start", 0), "probes.uprobe"), "session") != 0) {
		run__free(run);
		SKIP("this kernel has no uprobe sessions: probes are put on the file");
	}
	if (another_tracer_runs()) {
		run__free(run);
		SKIP("another tracer is at work: its breakpoints can't be told from ours");
	}
	/* Probes may be some instructions after the first. */
	assert_memory_equal(before, during, sizeof(before));
	run__free(run);
}

/* The threads are busy when the tracer attaches. */
static void test_attach_to_threads(void **state)
{
	unsigned int nr_threads = nr_busy_threads();
	const char *argv[] = { victim("hammer"), words("%u", nr_threads), "0", "25", NULL };
	struct child_options options = { .argv = argv, .stdin_pipe = true };
	struct child *hammer = child__start(&options);
	struct child *tracer;
	struct run *run, *traced;
	const json_t *record;
	(void)state;

	child__wait_output(hammer, "ready\n", 1, 30);
	tracer = start_tracer(ARGS("-p", pid_text(hammer, NULL), "-T", "1000"));
	usleep(300000);
	child__send(hammer, "\n");
	run = child__finish(hammer, 60);
	/* The victim came to no harm. */
	assert_int_equal(run->exit_status, 0);
	assert_contains(run->out, "hammered\n");
	traced = child__finish(tracer, 30);
	record = exit_record(traced);
	assert_true(truth_value(record, "late_attach"));
	/* The threads make the blocks that they keep at their very end. */
	assert_int_equal(stacks_with(record, "keep").blocks, nr_threads * 25);
	/* All other blocks were freed in the end, except those of before. */
	assert_int_equal(stacks_with(record, "take").blocks, 0);
	assert_nothing_lost(record);
	assert_consistent(record);
	run__free(run);
	run__free(traced);
}

static void test_no_such_process(void **state)
{
	struct child *gone = start_daemon("obey");
	char pid[32];
	struct run *run;
	(void)state;

	snprintf(pid, sizeof(pid), "%d", child__pid(gone));
	run__free(end_daemon(gone));
	run = run_tracer(ARGS("-p", pid));
	assert_int_equal(run->exit_status, STATUS_TARGET);
	assert_one_line(run->err);
	assert_contains(run->err, pid);
	run__free(run);

	run = run_tracer(ARGS("-p", "2147483647"));
	assert_int_equal(run->exit_status, STATUS_TARGET);
	assert_one_line(run->err);
	run__free(run);
}

/* A zombie still has a PID, but no memory any more. */
static void test_zombie(void **state)
{
	const char *argv[] = { "true", NULL };
	struct child_options options = { .argv = argv };
	struct child *zombie = child__start(&options);
	struct run *run;
	(void)state;

	usleep(300000);
	run = run_tracer(ARGS("-p", pid_text(zombie, NULL)));
	assert_int_equal(run->exit_status, STATUS_TARGET);
	assert_one_line(run->err);
	run__free(run);
	run__free(child__finish(zombie, 10));
}

/* A kernel thread has no memory to trace. */
static void test_kernel_thread(void **state)
{
	struct run *run;
	(void)state;

	if (access("/proc/2/exe", F_OK) == 0 || access("/proc/2/stat", F_OK) != 0)
		SKIP("process 2 is no kernel thread here");
	run = run_tracer(ARGS("-p", "2", "0.2", "1"));
	assert_int_equal(run->exit_status, STATUS_TARGET);
	assert_one_line(run->err);
	run__free(run);
}

/* "sleep" makes no calls any more. It has a libc, so its held blocks are known: none. */
static void test_idle_process(void **state)
{
	const char *sleeper[] = { "sleep", "20", NULL };
	struct child_options options = { .argv = sleeper };
	struct child *daemon = child__start(&options);
	struct child *tracer;
	struct run *run;
	(void)state;

	usleep(200000);
	tracer = start_tracer(ARGS("-p", pid_text(daemon, NULL), "0.2", "1"));
	run = child__finish(tracer, 30);
	assert_int_equal(run->exit_status, STATUS_OK);
	assert_held(event_record(run, "outstanding", 0), 0, 0);
	run__free(run);
	kill(child__pid(daemon), SIGTERM);
	run__free(child__finish(daemon, 10));
}

static void test_exec_after_attach(void **state)
{
	const char *argv[] = { "sh", "-c", "read line; exec \"$0\" return", victim("die"), NULL };
	struct child_options options = { .argv = argv, .stdin_pipe = true };
	struct child *shell = child__start(&options);
	struct child *tracer;
	struct run *run, *traced;
	struct truth truth;
	pid_t pid = child__pid(shell);
	const json_t *first, *second;
	(void)state;

	usleep(200000);
	tracer = start_tracer(ARGS("-p", pid_text(shell, NULL)));
	child__send(shell, "go\n");
	run = child__finish(shell, 30);
	assert_int_equal(run->exit_status, 0);
	truth = truth_of(run, 0);
	traced = child__finish(tracer, 30);
	assert_false(traced->timed_out);
	first = exit_record_of(traced, pid, 0);
	second = exit_record_of(traced, pid, 1);
	assert_string_equal(text(first, "end.kind"), "exec");
	assert_true(truth_value(first, "late_attach"));
	/* The new program was seen from its first instruction. */
	assert_false(truth_value(second, "late_attach"));
	assert_exact(second, &truth);
	run__free(run);
	run__free(traced);
}

/* The report tells a process that replaces its blocks from one that grows. */
static void test_growth_since_the_attach(void **state)
{
	struct child *daemon = start_daemon("obey");
	const char *argv[16];
	struct child_options options = { .argv = argv };
	struct child *tracer;
	struct run *run;
	size_t n = tracer_words(argv);
	(void)state;

	argv[n++] = "-p";
	argv[n++] = pid_text(daemon, NULL);
	argv[n] = NULL;
	child__send(daemon, "alloc 100 40\n");
	child__wait_output(daemon, "ok\n", 3, 30);
	tracer = child__start(&options);
	child__wait_output(tracer, "tracing", 1, RUN_TIMEOUT_S);
	child__send(daemon, "free 100\nalloc 106 40\n");
	child__wait_output(daemon, "ok\n", 5, 30);
	kill(child__pid(tracer), SIGINT);
	run = child__finish(tracer, 30);
	assert_contains(run->out, "outstanding 4,240 bytes in 106 blocks\n");
	assert_contains(run->out, "less 100 frees of blocks that were not recorded, 6 blocks more"
				  " than at the attach\n");
	run__free(run);
	run__free(end_daemon(daemon));
}

static int keep_to_permissions(void *context)
{
	(void)context;
	return prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE) ||
	       prctl(PR_CAPBSET_DROP, CAP_DAC_READ_SEARCH);
}

/*
 * A file that can't be read, such as one on another user's FUSE mount, does not count as a file
 * without an allocator.
 */
static void test_unreadable_file_is_told(void **state)
{
	const char *program = scratch("unreadable"), *argv[16];
	const char *daemon_argv[] = { program, NULL };
	struct child_options daemon_options = { .argv = daemon_argv, .stdin_pipe = true };
	struct child_options options = { .argv = argv, .prepare = keep_to_permissions };
	struct child *daemon;
	struct run *run;
	size_t n = tracer_words(argv);
	(void)state;

	run__free(run_plain(ARGS("cp", victim("obey"), program)));
	assert_int_equal(chmod(program, 0711), 0);
	assert_int_equal(chown(program, 65534, 65534), 0);
	daemon = child__start(&daemon_options);
	child__wait_output(daemon, "ready\n", 1, 30);
	argv[n++] = "-p";
	argv[n++] = pid_text(daemon, NULL);
	argv[n++] = "0.1";
	argv[n++] = "1";
	argv[n] = NULL;
	run = run_with(&options, RUN_TIMEOUT_S);
	skip_if_everybody_is_probed(run);
	assert_int_equal(run->exit_status, STATUS_OK);
	assert_contains(run->err, program);
	assert_contains(run->err, "can't be read: Permission denied");
	run__free(run);
	child__close_stdin(daemon);
	run__free(child__finish(daemon, 30));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_kill_of_the_daemon),
		SYSTEM_TEST(test_blocks_from_before),
		SYSTEM_TEST(test_late_attach_is_said),
		SYSTEM_TEST(test_interval_and_count),
		SYSTEM_TEST(test_interrupt_ends_with_a_report),
		SYSTEM_TEST(test_terminate_ends_with_a_report),
		SYSTEM_TEST(test_several_processes),
		SYSTEM_TEST(test_bystander_is_not_recorded),
		SYSTEM_TEST(test_bystander_is_not_probed),
		SYSTEM_TEST(test_attach_to_threads),
		SYSTEM_TEST(test_no_such_process),
		SYSTEM_TEST(test_zombie),
		SYSTEM_TEST(test_kernel_thread),
		SYSTEM_TEST(test_idle_process),
		SYSTEM_TEST(test_exec_after_attach),
		SYSTEM_TEST(test_growth_since_the_attach),
		SYSTEM_TEST(test_unreadable_file_is_told),
	};

	return cmocka_run_group_tests_name("attach", tests, harness__begin, harness__end);
}
