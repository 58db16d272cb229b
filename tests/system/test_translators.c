// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that translate code (Valgrind, qemu-user) must not be harmed by breakpoints in the code
 * that they translate: neither the target, nor a program beside a tracer of the whole system.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "daemon.h"
#include "harness.h"
#include "options.h"

#define RUNS 10
#define NR_SLEEPERS 200
#define SLEEP_S 5

static void need(const char *program)
{
	if (!have_program(program))
		SKIP("no %s", program);
	if (!kernel_has("write_text"))
		SKIP("the kernel forbids writing to code, which --features and each report say");
}

/* ---- the target is a translator ---- */

static void check_command(const char *const *command)
{
	for (unsigned int i = 0; i < scaled(RUNS); i++) {
		struct run *run = trace(NO_ARGS, command);

		assert_int_equal(run->signal, 0);
		assert_int_equal(run->exit_status, 0);
		run__free(run);
	}
}

static void test_command_under_valgrind(void **state)
{
	(void)state;
	need("valgrind");
	check_command(ARGS("valgrind", "-q", "--tool=none", "ls", "/"));
}

static void test_command_under_qemu(void **state)
{
	(void)state;
	need("qemu-x86_64-static");
	check_command(ARGS("qemu-x86_64-static", "/bin/ls", "/"));
}

/* Valgrind runs when the tracer comes, and translates more code while the tracer is there. */
static void test_attach_to_valgrind(void **state)
{
	char pid[16];
	struct child *valgrind, *tracer;
	struct run *run;
	(void)state;

	need("valgrind");
	valgrind = child__start(&(struct child_options){
		.argv = ARGS("valgrind", "-q", "--tool=none", victim("drip"), "20", "100", "100"),
	});
	child__wait_output(valgrind, "ready", 1, 60);
	snprintf(pid, sizeof(pid), "%d", (int)child__pid(valgrind));
	/* It pauses until the tracer is there, however long that takes. */
	kill(child__pid(valgrind), SIGUSR1);
	tracer = start_tracer(ARGS("-p", pid, "0.2", "3"));
	kill(child__pid(valgrind), SIGUSR1);
	run = child__finish(tracer, RUN_TIMEOUT_S);
	assert_int_equal(run->exit_status, 0);
	run__free(run);
	run = child__finish(valgrind, RUN_TIMEOUT_S);
	assert_int_equal(run->signal, 0);
	assert_int_equal(run->exit_status, 0);
	run__free(run);
}

/* ---- beside a tracer of the whole system ---- */

static struct child *trace_system(void)
{
	struct run *run = run_tracer(ARGS("1", "1"));
	int status = run->exit_status;

	run__free(run);
	if (status == STATUS_USAGE)
		SKIP("no tracing of the whole system");
	return start_tracer(NO_ARGS);
}

/*
 * Translated programs end well, and a program that runs its code itself is still traced after them.
 */
static void check_beside(const char *const *command)
{
	const json_t *record;
	struct child *tracer = trace_system();
	struct run *run;
	struct truth truth;
	pid_t pid;

	for (unsigned int i = 0; i < scaled(RUNS); i++) {
		run = run_plain(command);
		if (run->signal || run->exit_status)
			run__print(run);
		assert_int_equal(run->signal, 0);
		assert_int_equal(run->exit_status, 0);
		run__free(run);
	}
	run = run_plain(ARGS(victim("family")));
	pid = run->pid;
	truth = truth_of(run, 0);
	run__free(run);
	pause_ms(1000);
	kill(child__pid(tracer), SIGINT);
	run = child__finish(tracer, RUN_TIMEOUT_S);
	assert_int_equal(run->exit_status, 0);
	record = exit_record_of(run, pid, 0);
	if (truth_value(record, "fork_copy"))
		record = exit_record_of(run, pid, 1);
	assert_exact(record, &truth);
	run__free(run);
}

static void test_valgrind_none_beside(void **state)
{
	(void)state;
	need("valgrind");
	check_beside(ARGS("valgrind", "-q", "--tool=none", "true"));
}

static void test_valgrind_memcheck_beside(void **state)
{
	(void)state;
	need("valgrind");
	check_beside(ARGS("valgrind", "-q", "ls", "/"));
}

static void test_qemu_beside(void **state)
{
	(void)state;
	need("qemu-x86_64-static");
	check_beside(ARGS("qemu-x86_64-static", "/bin/ls", "/"));
}

/* ---- what only looks like one ---- */

static pid_t guard_of(const struct child *tracer);

/* The CPU time in seconds that the process uses in that many seconds. */
static double cpu_in(pid_t pid, int seconds)
{
	struct timespec before, after;
	clockid_t clock;

	assert_int_equal(clock_getcpuclockid(pid, &clock), 0);
	assert_int_equal(clock_gettime(clock, &before), 0);
	pause_ms(seconds * 1000L);
	assert_int_equal(clock_gettime(clock, &after), 0);
	return (double)(after.tv_sec - before.tv_sec) +
	       (double)(after.tv_nsec - before.tv_nsec) / 1e9;
}

/* An emulated processor takes ten times as long for the same work, at least. */
#define MOST_OF_A_CPU (getenv("EMULATED") ? 0.5 : 0.05)

/*
 * The guard looks after real translators, wherever they are; a process with just such a name costs
 * nothing.
 */
static void test_sleepers_with_the_name(void **state)
{
	const char *const names[] = { "valgrind", "memcheck-amd64-linux", "qemu-x86_64-static" };
	struct child *sleepers[NR_SLEEPERS], *tracer = trace_system();
	char folder[4096], program[2][8192];
	double idle_s, used_s;
	struct run *run;
	pid_t guard = guard_of(tracer);
	(void)state;

	if (!guard)
		SKIP("no guard");
	snprintf(folder, sizeof(folder), "%s", scratch(names[0]));
	make_folder(folder);
	for (size_t i = 0; i < 2; i++) {
		snprintf(program[i], sizeof(program[i]), "%s/%s", folder, names[1 + i]);
		run = run_plain(ARGS("cp", "/bin/sleep", program[i]));
		assert_int_equal(run->exit_status, 0);
		run__free(run);
	}
	idle_s = cpu_in(guard, SLEEP_S); /* other programs that begin on this machine cost, too */
	for (size_t i = 0; i < NR_SLEEPERS; i++)
		sleepers[i] = child__start(
			&(struct child_options){ .argv = ARGS(program[i % 2], "1000") });
	/* A new file with an allocator makes the guard look at all processes once more. */
	run = run_plain(ARGS("cp", victim("obey_static"), scratch("new")));
	assert_int_equal(run->exit_status, 0);
	run__free(run);
	run__free(run_plain(ARGS(scratch("new"))));
	pause_ms(2000);
	used_s = cpu_in(guard, SLEEP_S);
	if (used_s - idle_s >= MOST_OF_A_CPU * SLEEP_S)
		fail_msg("the guard took %.2f s, and %.2f s without them", used_s, idle_s);
	if (have_program("valgrind"))
		for (unsigned int i = 0; i < scaled(RUNS); i++) {
			run = run_plain(ARGS("valgrind", "-q", "--tool=none", "true"));
			assert_int_equal(run->wait_status, 0);
			run__free(run);
		}
	for (size_t i = 0; i < NR_SLEEPERS; i++) {
		kill(child__pid(sleepers[i]), SIGKILL);
		run__free(child__finish(sleepers[i], RUN_TIMEOUT_S));
	}
	kill(child__pid(tracer), SIGINT);
	run__free(child__finish(tracer, RUN_TIMEOUT_S));
}

/* ---- the guard goes with the tracer ---- */

static pid_t guard_of(const struct child *tracer)
{
	char command[64];
	FILE *pipe;
	int pid = 0;

	snprintf(command, sizeof(command), "pgrep -x memleak-guard -P %d", (int)child__pid(tracer));
	pipe = popen(command, "re");
	assert_non_null(pipe);
	if (fscanf(pipe, "%d", &pid) != 1)
		pid = 0;
	pclose(pipe);
	return pid;
}

static void test_guard_ends_with_killed_tracer(void **state)
{
	struct child *drip, *tracer;
	struct run *run;
	char pid[16];
	pid_t guard;
	(void)state;

	drip = child__start(&(struct child_options){ .argv = ARGS(victim("drip")) });
	child__wait_output(drip, "ready", 1, 60);
	snprintf(pid, sizeof(pid), "%d", (int)child__pid(drip));
	tracer = start_tracer(ARGS("-p", pid));
	guard = guard_of(tracer);
	assert_true(guard > 0);
	kill(child__pid(tracer), SIGKILL);
	run__free(child__finish(tracer, RUN_TIMEOUT_S));
	/* The guard is our child now, to be waited for. */
	run = harness__wait_orphan(guard, RUN_TIMEOUT_S);
	assert_false(run->timed_out);
	assert_int_equal(run->signal, 0);
	run__free(run);
	kill(child__pid(drip), SIGKILL);
	run__free(child__finish(drip, RUN_TIMEOUT_S));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_command_under_valgrind),
		SYSTEM_TEST(test_command_under_qemu),
		SYSTEM_TEST(test_attach_to_valgrind),
		SYSTEM_TEST(test_valgrind_none_beside),
		SYSTEM_TEST(test_valgrind_memcheck_beside),
		SYSTEM_TEST(test_qemu_beside),
		SYSTEM_TEST(test_sleepers_with_the_name),
		SYSTEM_TEST(test_guard_ends_with_killed_tracer),
	};

	return cmocka_run_group_tests(tests, harness__begin, harness__end);
}
