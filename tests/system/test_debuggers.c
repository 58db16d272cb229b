// SPDX-License-Identifier: GPL-2.0
/*
 * gdb and probes write breakpoints into the same code, and neither knows of the other's. A user who
 * traces a process that is being debugged is warned before that can end the process.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon.h"
#include "harness.h"

#define STARTUP_S 60

static struct child *start_drip(void)
{
	struct child *drip = child__start(&(struct child_options){ .argv = ARGS(victim("drip")) });

	child__wait_output(drip, "ready", 1, STARTUP_S);
	return drip;
}

/*
 * Starts a gdb that has stopped the process. At a line on its stdin, it goes on with its last
 * command.
 */
static struct child *start_gdb(const struct child *target, const char *last)
{
	struct child *gdb = child__start(&(struct child_options){
		.argv = ARGS("gdb", "-q", "-nx", "-batch", "-iex", "set debuginfod enabled off",
			     "-iex", "set debug-file-directory /nonexistent", "-p",
			     pid_text(target), "-ex", "break malloc", "-ex", "shell echo stopped",
			     "-ex", "shell read line", "-ex", last),
		.stdin_pipe = true,
	});

	child__wait_output(gdb, "stopped", 1, STARTUP_S);
	return gdb;
}

static void end_drip(struct child *drip)
{
	kill(child__pid(drip), SIGKILL);
	run__free(child__finish(drip, RUN_TIMEOUT_S));
}

/*
 * gdb was there first: the tracer warns before it probes anything, with gdb's PID, and once at the
 * end.
 */
static void test_debugger_at_the_attach(void **state)
{
	struct child *drip, *gdb;
	struct run *run;
	char by[64];
	(void)state;

	if (!have_program("gdb"))
		SKIP("no gdb");
	drip = start_drip();
	gdb = start_gdb(drip, "detach");
	snprintf(by, sizeof(by), "is debugged by PID %d (gdb): ", (int)child__pid(gdb));
	run = run_tracer(ARGS("-p", pid_text(drip), "0.2", "1"));
	assert_int_equal(run->exit_status, 0);
	assert_non_null(strstr(run->err, by));
	assert_non_null(strstr(run->err, "is ended by SIGTRAP if"));
	run__free(run);
	child__send(gdb, "go\n");
	run = child__finish(gdb, RUN_TIMEOUT_S);
	assert_int_equal(run->exit_status, 0);
	run__free(run);
	/*
	 * gdb's breakpoint was not in the code while gdb had stopped the process: nothing was left
	 * behind.
	 */
	pause_ms(300);
	assert_true(child__is_running(drip));
	end_drip(drip);
}

/* gdb came later, and took our breakpoint for original code: the tracer warns before it leaves. */
static void test_debugger_at_the_detach(void **state)
{
	struct child *drip, *gdb, *tracer;
	struct run *run;
	(void)state;

	if (!have_program("gdb"))
		SKIP("no gdb");
	drip = start_drip();
	tracer = start_tracer(ARGS("-p", pid_text(drip)));
	gdb = start_gdb(drip, "continue");
	child__send(gdb, "go\n");
	pause_ms(500);
	kill(child__pid(tracer), SIGINT);
	run = child__finish(tracer, RUN_TIMEOUT_S);
	assert_int_equal(run->exit_status, 0);
	assert_null(strstr(run->err, "doesn't work now"));
	assert_non_null(strstr(run->err, "is ended by SIGTRAP if"));
	run__free(run);
	/* The process may live or not: the warning was given. */
	kill(child__pid(gdb), SIGKILL);
	run__free(child__finish(gdb, RUN_TIMEOUT_S));
	end_drip(drip);
}

/* Whether the process is traced by ptrace. */
static bool is_traced(const struct child *child)
{
	char path[64], line[256];
	FILE *status;
	int by = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)child__pid(child));
	status = fopen(path, "re");
	assert_non_null(status);
	while (fgets(line, sizeof(line), status) && sscanf(line, "TracerPid: %d", &by) != 1)
		;
	fclose(status);
	return by;
}

static void check_it_is_no_debugger(const struct child *target)
{
	struct run *run;

	for (int tries = 0; !is_traced(target) && tries < STARTUP_S * 10; tries++)
		pause_ms(100);
	assert_true(is_traced(target));
	run = run_tracer(ARGS("-p", pid_text(target), "0.2", "1"));
	assert_int_equal(run->exit_status, 0);
	assert_null(strstr(run->err, "debugged"));
	run__free(run);
}

static void test_strace_is_no_debugger(void **state)
{
	struct child *drip, *strace;
	(void)state;

	if (!have_program("strace"))
		SKIP("no strace");
	drip = start_drip();
	strace = child__start(&(struct child_options){
		.argv = ARGS("strace", "-o", "/dev/null", "-p", pid_text(drip)),
	});
	check_it_is_no_debugger(drip);
	kill(child__pid(strace), SIGTERM);
	run__free(child__finish(strace, RUN_TIMEOUT_S));
	end_drip(drip);
}

/* Another tracer's leak check uses ptrace, but sets no breakpoints. */
static void test_leak_check_is_no_debugger(void **state)
{
	struct child *drip = start_drip(), *tracer;
	struct run *run;
	(void)state;

	tracer = start_tracer(ARGS("--leak-check=summary", "-p", pid_text(drip)));
	check_it_is_no_debugger(drip);
	kill(child__pid(tracer), SIGINT);
	run = child__finish(tracer, RUN_TIMEOUT_S);
	assert_int_equal(run->exit_status, 0);
	run__free(run);
	end_drip(drip);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_debugger_at_the_attach),
		SYSTEM_TEST(test_debugger_at_the_detach),
		SYSTEM_TEST(test_strace_is_no_debugger),
		SYSTEM_TEST(test_leak_check_is_no_debugger),
	};

	return cmocka_run_group_tests(tests, harness__begin, harness__end);
}
