// SPDX-License-Identifier: GPL-2.0
/* A traced command behaves as an untraced one: status, streams, signals, surroundings, user. */
#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"
#include "options.h"

static void test_exit_status_passes_through(void **state)
{
	static const char *const statuses[] = { "0", "1", "37", "120", "127", "255" };
	(void)state;

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		struct run *run = trace(NO_ARGS, ARGS(victim("pass"), statuses[i]));

		assert_int_equal(run->exit_status, atoi(statuses[i]));
		assert_string_equal(text(exit_record(run), "end.kind"), "exited");
		assert_int_equal(number(exit_record(run), "end.code"), atoi(statuses[i]));
		run__free(run);
	}
}

static void test_shell_status_passes_through(void **state)
{
	struct run *run = trace(NO_ARGS, ARGS("sh", "-c", "exit 37"));
	(void)state;

	assert_int_equal(run->exit_status, 37);
	run__free(run);
	run = run_tracer(ARGS("-w", scratch("shell.txt"), "-c", "echo $((40 + 2)); exit 5"));
	assert_int_equal(run->exit_status, 5);
	assert_string_equal(run->out, "42\n");
	run__free(run);
}

static void test_signal_becomes_128_plus_n(void **state)
{
	static const struct {
		const char *way;
		int signal;
	} ways[] = {
		{ "term", SIGTERM }, { "kill", SIGKILL }, { "segv", SIGSEGV }, { "abort", SIGABRT }
	};
	(void)state;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct run *run = trace(NO_ARGS, ARGS(victim("die"), ways[i].way));

		assert_int_equal(run->signal, 0);
		assert_int_equal(run->exit_status, 128 + ways[i].signal);
		run__free(run);
	}
}

static void test_streams_pass(void **state)
{
	const char *argv[] = { tracer_path(), "-w", scratch("streams.txt"), "--", victim("pass"),
			       "37",	      NULL };
	struct child_options options = { .argv = argv,
					 .stdin_text = "one\ntwo\n\xff\xfe no UTF-8" };
	struct run *run = run_with(&options, 60);
	(void)state;

	assert_int_equal(run->exit_status, 37);
	assert_string_equal(run->out, options.stdin_text);
	/* Nothing of the tracer's: the report went to the file. */
	assert_string_equal(run->err, "to stderr\n");
	run__free(run);
}

static void test_report_goes_to_stderr(void **state)
{
	const char *argv[] = { tracer_path(), "--", victim("pass"), NULL };
	struct child_options options = { .argv = argv, .stdin_text = "pipes stay clean\n" };
	struct run *run = run_with(&options, 60);
	(void)state;

	assert_int_equal(run->exit_status, 0);
	assert_string_equal(run->out, "pipes stay clean\n");
	assert_contains(run->err, "to stderr\n");
	assert_contains(run->err, "held at the end");
	run__free(run);
}

static void test_json_goes_to_stderr(void **state)
{
	struct run *run = run_tracer(ARGS("--json", "--", victim("leak64")));
	const char *line = run->err;
	unsigned int exits = 0;
	(void)state;

	assert_int_equal(run->out_size, 0);
	while (*line) {
		json_t *event = json_loadb(line, strcspn(line, "\n"), 0, NULL);

		assert_non_null(event);
		exits += !strcmp(text(event, "event"), "exit");
		json_decref(event);
		line += strcspn(line, "\n") + 1;
	}
	assert_int_equal(exits, 1);
	run__free(run);
}

static void test_world_is_the_same(void **state)
{
	const char *program = victim("world");
	struct run *plain = run_plain(ARGS(program, "an argument", ""));
	struct run *traced = trace(NO_ARGS, ARGS(program, "an argument", ""));
	(void)state;

	assert_int_equal(plain->exit_status, 0);
	assert_int_equal(traced->exit_status, 0);
	assert_contains(plain->out, "SigBlk");
	assert_same_lines(traced->out, plain->out);
	run__free(plain);
	run__free(traced);
}

static int odd_world(void *context)
{
	sigset_t set;
	(void)context;

	/* nohup, a shell's background job, and a parent that blocks a signal. */
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGCHLD);
	return sigprocmask(SIG_BLOCK, &set, NULL);
}

static void test_odd_world_is_the_same(void **state)
{
	const char *plain_argv[] = { victim("world"), NULL };
	const char *traced_argv[] = { tracer_path(),   "-w", scratch("odd.txt"), "--",
				      victim("world"), NULL };
	struct child_options options = { .argv = plain_argv, .prepare = odd_world };
	struct run *plain = run_with(&options, 60), *traced;
	(void)state;

	options.argv = traced_argv;
	traced = run_with(&options, 60);
	assert_int_equal(traced->exit_status, 0);
	assert_same_lines(traced->out, plain->out);
	run__free(plain);
	run__free(traced);
}

static void test_not_found_is_127(void **state)
{
	struct run *run = run_tracer(ARGS("--", "no-such-program-anywhere", "x"));
	(void)state;

	assert_int_equal(run->exit_status, STATUS_NOT_FOUND);
	assert_one_line(run->err);
	assert_contains(run->err, "no-such-program-anywhere");
	run__free(run);
	run = run_tracer(ARGS("--", scratch("absent/program")));
	assert_int_equal(run->exit_status, STATUS_NOT_FOUND);
	assert_one_line(run->err);
	run__free(run);
}

static void write_file(const char *path, const char *content, mode_t mode)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(content, file);
	fclose(file);
	assert_int_equal(chmod(path, mode), 0);
}

static void test_not_executable_is_126(void **state)
{
	const char *plain = scratch("not-executable"), *garbage = scratch("garbage");
	struct run *run;
	(void)state;

	write_file(plain, "#!/bin/sh\nexit 0\n", 0644);
	run = run_tracer(ARGS("--", plain));
	assert_int_equal(run->exit_status, STATUS_CANNOT_RUN);
	assert_one_line(run->err);
	run__free(run);

	run = run_tracer(ARGS("--", scratch(".")));
	assert_int_equal(run->exit_status, STATUS_CANNOT_RUN);
	assert_one_line(run->err);
	run__free(run);

	/* An ELF header of no known machine. */
	write_file(garbage, "\177ELF\2\1\1 nothing that runs", 0755);
	run = run_tracer(ARGS("--", garbage));
	assert_int_equal(run->exit_status, STATUS_CANNOT_RUN);
	run__free(run);
}

static void test_scripts_run(void **state)
{
	const char *with = scratch("with-interpreter"), *without = scratch("without-interpreter");
	struct run *run;
	(void)state;

	write_file(with, "#!/bin/sh\necho \"ran $1\"\nexit 11\n", 0755);
	run = trace(NO_ARGS, ARGS(with, "x"));
	assert_int_equal(run->exit_status, 11);
	assert_string_equal(run->out, "ran x\n");
	run__free(run);

	/* execvp, and so every shell, hands such a file to sh. */
	write_file(without, "echo \"ran $1\"\nexit 12\n", 0755);
	run = trace(NO_ARGS, ARGS(without, "y"));
	assert_int_equal(run->exit_status, 12);
	assert_string_equal(run->out, "ran y\n");
	run__free(run);
}

static void test_signals_pass(void **state)
{
	static const int signals[] = { SIGHUP, SIGUSR1, SIGTERM, SIGQUIT, SIGINT };
	const char *report = scratch("signals.json");
	const char *argv[] = { tracer_path(),	       "--json", "-w", report, "--",
			       victim("echo_signals"), NULL };
	struct child_options options = { .argv = argv, .report_path = report };
	struct child *child = child__start(&options);
	struct run *run;
	(void)state;

	child__wait_output(child, "ready\n", 1, 30);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		char expected[32];

		kill(child__pid(child), signals[i]);
		snprintf(expected, sizeof(expected), "got %d\n", signals[i]);
		child__wait_output(child, expected, 1, 10);
		/* The command goes on, so the tracer does. */
		assert_true(child__is_running(child));
	}
	kill(child__pid(child), SIGUSR2);
	run = child__finish(child, 30);
	assert_false(run->timed_out);
	assert_int_equal(run->exit_status, 9);
	assert_int_equal(number(exit_record(run), "end.code"), 9);
	run__free(run);
}

/* Ctrl-C at a terminal goes to the whole foreground group. */
static void test_interrupt_of_the_group(void **state)
{
	const char *report = scratch("group.json");
	const char *argv[] = { tracer_path(),	       "--json", "-w", report, "--",
			       victim("echo_signals"), NULL };
	struct child_options options = { .argv = argv, .report_path = report, .own_group = true };
	struct child *child = child__start(&options);
	struct run *run;
	(void)state;

	child__wait_output(child, "ready\n", 1, 30);
	/* A group that child__start made. */
	kill(-child__pid(child), SIGINT);
	child__wait_output(child, "got 2\n", 1, 10);
	assert_true(child__is_running(child));
	kill(child__pid(child), SIGUSR2);
	run = child__finish(child, 30);
	assert_int_equal(run->exit_status, 9);
	assert_int_equal(count_events(run, "exit"), 1);
	run__free(run);
}

/* A command that ends by a signal passed on to it is still reported. */
static void test_terminated_command_is_reported(void **state)
{
	const char *report = scratch("terminated.json");
	const char *argv[] = { tracer_path(),  "--json", "-w",	report, "--",
			       victim("drip"), "5",	 "100", NULL };
	struct child_options options = { .argv = argv, .report_path = report };
	struct child *child = child__start(&options);
	struct run *run;
	(void)state;

	child__wait_output(child, "ready\n", 1, 30);
	kill(child__pid(child), SIGTERM);
	run = child__finish(child, 30);
	assert_false(run->timed_out);
	assert_int_equal(run->exit_status, 128 + SIGTERM);
	assert_string_equal(text(exit_record(run), "end.kind"), "signalled");
	assert_int_equal(number(exit_record(run), "end.signal"), SIGTERM);
	assert_true(number(exit_record(run), "held.blocks") > 0);
	run__free(run);
}

static void test_user(void **state)
{
	const struct passwd *nobody = getpwnam("nobody");
	char uid[16], expected[128];
	struct run *run;
	(void)state;

	if (!nobody)
		SKIP("there is no user nobody here");
	if (access(victim("ids"), X_OK) != 0 || !strncmp(victim("ids"), "/root/", 6))
		SKIP("the build folder is below /root, where nobody may not go");
	snprintf(expected, sizeof(expected), "uid %u %u %u gid %u %u %u groups", nobody->pw_uid,
		 nobody->pw_uid, nobody->pw_uid, nobody->pw_gid, nobody->pw_gid, nobody->pw_gid);
	run = trace(ARGS("-u", "nobody"), ARGS(victim("ids")));
	assert_int_equal(run->exit_status, 0);
	assert_contains(run->out, expected);
	/* None of root's supplementary groups stays, and there is no way back. */
	assert_lacks(run->out, "regained");
	assert_int_equal(number(exit_record(run), "uid"), nobody->pw_uid);
	run__free(run);

	snprintf(uid, sizeof(uid), "%u", nobody->pw_uid);
	run = trace(ARGS("-u", uid), ARGS(victim("ids")));
	assert_contains(run->out, expected);
	run__free(run);

	/* Its allocations are seen, as any other user's. */
	run = trace(ARGS("-u", "nobody"), ARGS(victim("leak64")));
	assert_held(exit_record(run), 64 * MIB, 1);
	run__free(run);

	run = run_tracer(ARGS("-u", "no-such-user", "--", victim("ids")));
	assert_int_equal(run->exit_status, STATUS_USAGE);
	assert_one_line(run->err);
	assert_int_equal(run->out_size, 0);
	run__free(run);
}

/* A folder of PATH where root finds a program, and the user only the next one. */
static void test_program_is_the_users(void **state)
{
	char path[8400], program[4200];
	char *environment[] = { path, NULL };
	const char *folder = scratch("roots");
	const char *argv[] = { tracer_path(), "-u", "nobody", "--", "ids", NULL };
	struct child_options options = { .argv = argv, .environment = environment };
	struct run *run;
	(void)state;

	if (!getpwnam("nobody"))
		SKIP("there is no user nobody here");
	if (!strncmp(victim("ids"), "/root/", 6))
		SKIP("the build folder is below /root, where nobody may not go");
	assert_int_equal(mkdir(folder, 0700), 0);
	snprintf(program, sizeof(program), "%s/ids", folder);
	assert_int_equal(symlink("/bin/false", program), 0);
	snprintf(path, sizeof(path), "PATH=%s:%s", folder, victim("ids"));
	*strrchr(path, '/') = '\0';
	run = run_with(&options, RUN_TIMEOUT_S);
	assert_int_equal(run->exit_status, 0);
	assert_contains(run->out, "uid ");
	run__free(run);
	unlink(program);
}

/* Ends the process whose PID a shell has printed. */
static void end_told(const struct run *run)
{
	assert_true(atoi(run->out) > 1);
	kill(atoi(run->out), SIGKILL);
}

/* Without -f, the trace ends with the command, even if the command leaves processes at work. */
static void test_who_outlives_the_command_is_told(void **state)
{
	char number[64];
	struct run *run;
	(void)state;

	/* A daemon does it so: the parent of the process that stays has ended, too. */
	run = trace(NO_ARGS, ARGS("sh", "-c", "sh -c 'sleep 100 >&- 2>&- & echo $!'; exit 3"));
	end_told(run);
	assert_int_equal(run->exit_status, 3);
	assert_one_line(run->err);
	snprintf(number, sizeof(number), "PID %d (sleep), which the command started",
		 atoi(run->out));
	assert_contains(run->err, number);
	assert_contains(run->err, "lives on");
	run__free(run);

	run = trace(NO_ARGS, ARGS("sh", "-c", "sleep 0.1 & true; wait; (:); exit 0"));
	assert_string_equal(run->err, "");
	run__free(run);
}

/* The memory that the tracer's parent had resident is not the tracer's. */
static void test_the_tracers_own_memory(void **state)
{
	const size_t nr_bytes = 256 * MIB;
	char *large = malloc(nr_bytes);
	struct run *run;

	(void)state;
	assert_non_null(large);
	memset(large, 1, nr_bytes);
	run = trace(NO_ARGS, ARGS(victim("hello")));
	free(large);
	assert_in_range(number(event_record(run, "total", 0), "tracer.peak_rss_bytes"), 4 * MIB,
			128 * MIB);
	run__free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_exit_status_passes_through),
		SYSTEM_TEST(test_shell_status_passes_through),
		SYSTEM_TEST(test_signal_becomes_128_plus_n),
		SYSTEM_TEST(test_streams_pass),
		SYSTEM_TEST(test_report_goes_to_stderr),
		SYSTEM_TEST(test_json_goes_to_stderr),
		SYSTEM_TEST(test_world_is_the_same),
		SYSTEM_TEST(test_odd_world_is_the_same),
		SYSTEM_TEST(test_not_found_is_127),
		SYSTEM_TEST(test_not_executable_is_126),
		SYSTEM_TEST(test_scripts_run),
		SYSTEM_TEST(test_signals_pass),
		SYSTEM_TEST(test_interrupt_of_the_group),
		SYSTEM_TEST(test_terminated_command_is_reported),
		SYSTEM_TEST(test_user),
		SYSTEM_TEST(test_program_is_the_users),
		SYSTEM_TEST(test_who_outlives_the_command_is_told),
		SYSTEM_TEST(test_the_tracers_own_memory),
	};

	return cmocka_run_group_tests_name("command", tests, harness__begin, harness__end);
}
