// SPDX-License-Identifier: GPL-2.0
/*
 * A leak check harms nobody: a process that is checked waits, works and ends as otherwise, whatever
 * happens to the tracer, and a debugger that was there first keeps its process.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon.h"
#include "harness.h"
#include "leak_oracle.h"
#include "leak_target.h"

#define NR_KILLS 40

static struct child *watch(const struct child *target, const char *interval, const char *count)
{
	return start_tracer(ARGS("-p", pid_text(target), "--leak-check=full",
				 "--show-leak-kinds=all", "-T", "1000000", interval, count));
}

/* ---- a process that is checked behaves as otherwise ---- */

/* The output and the status of a command, with the check at its end and without. */
static void compare_command(const char *const *command)
{
	struct run *plain = run_plain(command);
	struct run *run = trace(ARGS("--leak-check=full"), command);

	assert_int_equal(run->exit_status, plain->exit_status);
	assert_string_equal(run->out, plain->out);
	assert_string_equal(run->err, plain->err);
	if (is_null(final_exit_record(run), "leaks"))
		fail_msg("%s: %s", command[0], text(final_exit_record(run), "leaks_why"));
	run__free(run);
	run__free(plain);
}

static void test_commands_are_not_changed(void **state)
{
	(void)state;
	compare_command(ARGS("/bin/sh", "-c", "echo one; echo two >&2; sleep 0.1; exit 17"));
	compare_command(ARGS("/bin/sh", "-c", "trap 'echo caught; exit 3' TERM; kill $$; sleep 5"));
	compare_command(ARGS("/bin/sh", "-c", "(sleep 0.2; echo late) & wait; echo $?"));
	compare_command(ARGS("/usr/bin/python3", "-c",
			     "import threading as t\n"
			     "a = [t.Thread(target=sum, args=([1],)) for i in range(50)]\n"
			     "[x.start() for x in a]\n"
			     "print(len(a))"));
	compare_command(ARGS(victim("leak_threads"), "ended_by_thread"));
	compare_command(ARGS(victim("leak_threads"), "main_ended_first"));
	compare_command(ARGS(victim("leak_ends"), "at_exit"));
	compare_command(ARGS(victim("leak_ends"), "at_quick_exit"));
	compare_command(ARGS(victim("leak_ends"), "raw_exit"));
	compare_command(ARGS(victim("hello")));
}

/* Each way to wait is stopped several times, takes as long as asked, and ends as it should. */
static void test_waits_are_not_cut_short(void **state)
{
	struct child_options options = { .argv = ARGS(victim("leak_sleeper")), .stdin_pipe = true };
	struct child *sleeper = child__start(&options), *tracer;
	struct run *run;
	char *line;
	(void)state;

	child__wait_output(sleeper, "ready\n", 1, RUN_TIMEOUT_S);
	tracer = watch(sleeper, "0.1", NULL);
	child__send(sleeper, "go\n");
	run = child__finish(sleeper, RUN_TIMEOUT_S);
	assert_int_equal(run->exit_status, 21);
	for (line = strtok(run->out, "\n"); line; line = strtok(NULL, "\n")) {
		bool may_fail = strstr(line, "epoll_wait") || strstr(line, "sigtimedwait");

		if (strcmp(line, "ready") != 0 && !strstr(line, " ok") &&
		    !(may_fail && strstr(line, " EINTR")))
			fail_msg("while it was checked: %s", line);
	}
	run__free(run);
	run = child__finish(tracer, RUN_TIMEOUT_S);
	assert_int_equal(run->exit_status, 0);
	assert_true(count_events(run, "outstanding") >= 20);
	run__free(run);
}

/* What all threads have used, in ticks of 10 ms. */
static unsigned long cpu_ticks(pid_t pid)
{
	FILE *file = fopen(words("/proc/%d/stat", (int)pid), "r");
	unsigned long user = 0, system = 0;

	assert_non_null(file);
	assert_int_equal(fscanf(file,
				"%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
				&user, &system),
			 2);
	fclose(file);
	return user + system;
}

/* A check wakes its threads for moments, in which they run nothing of their own. */
static void assert_stays_stopped(pid_t pid)
{
	unsigned long before = cpu_ticks(pid);
	unsigned int nr_stopped = 0;

	for (int i = 0; i < 100; i++) {
		char state = *process_status(pid, "State");

		nr_stopped += state == 'T' || state == 't';
		pause_ms(10);
	}
	print_message("stopped in %u of 100 looks, and used %lu ticks\n", nr_stopped,
		      cpu_ticks(pid) - before);
	assert_true(nr_stopped >= 70);
	assert_true(cpu_ticks(pid) - before < 20);
}

/*
 * A shell that has the process as a job hears of no stop that it did not make. One that it made
 * lasts until it ends it, and checks go on meanwhile.
 */
static void test_job_control(void **state)
{
	struct leak_target target = leak_target__start();
	pid_t pid = child__pid(target.child);
	struct child *tracer;
	siginfo_t change = { .si_pid = 0 };
	struct run *run;
	int status;
	(void)state;

	leak_target__tell(&target, "churn 2");
	tracer = watch(target.child, "0.1", NULL);
	child__wait_event(tracer, "outstanding", 10, RUN_TIMEOUT_S);
	assert_int_equal(
		waitid(P_PID, (id_t)pid, &change, WSTOPPED | WCONTINUED | WNOHANG | WNOWAIT), 0);
	assert_int_equal(change.si_pid, 0);
	kill(pid, SIGSTOP);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	child__wait_event(tracer, "outstanding", 20, RUN_TIMEOUT_S);
	change.si_pid = 0;
	waitid(P_PID, (id_t)pid, &change, WSTOPPED | WCONTINUED | WNOHANG);
	assert_int_equal(change.si_pid, 0);
	assert_stays_stopped(pid);
	kill(pid, SIGCONT);
	assert_int_equal(waitpid(pid, &status, WCONTINUED), pid);
	assert_true(WIFCONTINUED(status));
	child__wait_event(tracer, "outstanding", 25, RUN_TIMEOUT_S);
	run = stop_tracer(tracer);
	for (unsigned int i = 0; i < 25; i++)
		leak_counts__of(event_record(run, "outstanding", i));
	run__free(run);
	leak_target__assert_free(&target);
	leak_target__end(&target);
}

/* ---- the tracer goes away ---- */

/* At any moment of stop, read and resume. */
static void test_killed_tracer(void **state)
{
	struct leak_target target = leak_target__start();
	unsigned int seed = 1;
	(void)state;

	leak_target__tell(&target, "churn 4");
	leak_target__tell(&target, "wait 200");
	leak_target__tell(&target, "come_and_go 1");
	for (unsigned int i = 0; i < scaled(NR_KILLS); i++) {
		struct child *tracer = watch(target.child, "0.02", NULL);
		struct run *run;

		/* Half of them among the first checks. */
		if (i % 2)
			child__wait_event(tracer, "outstanding", 1, RUN_TIMEOUT_S);
		usleep((useconds_t)(rand_r(&seed) % 60000));
		kill(child__pid(tracer), SIGKILL);
		leak_target__assert_free(&target);
		run = child__finish(tracer, RUN_TIMEOUT_S);
		assert_int_equal(run->signal, SIGKILL);
		run__free(run);
	}
	leak_target__end(&target);
}

/* While a command stands at its end, which takes a while with a million blocks. */
static void test_killed_tracer_of_a_command(void **state)
{
	unsigned int seed = 2;
	(void)state;

	for (unsigned int i = 0; i < scaled(10); i++) {
		const char *report = scratch("killed.json");
		const char *argv[40];
		struct child_options options = { .argv = argv };
		struct child *tracer;
		struct run *run;
		pid_t pid = 0;
		size_t n = tracer_words(argv);
		const char *const more[] = { "--json",
					     "-w",
					     report,
					     "--leak-check=full",
					     "--",
					     "/bin/sh",
					     "-c",
					     "echo $$; exec \"$0\" tree_lost",
					     victim("leak_kinds"),
					     NULL };
		char *output;

		for (size_t j = 0; more[j]; j++)
			argv[n++] = more[j];
		argv[n] = NULL;
		tracer = child__start(&options);
		child__wait_output(tracer, "\n", 1, RUN_TIMEOUT_S);
		output = child__output(tracer);
		pid = atoi(output);
		free(output);
		assert_true(pid > 0);
		usleep((useconds_t)(rand_r(&seed) % 4000000));
		kill(child__pid(tracer), SIGKILL);
		run__free(child__finish(tracer, RUN_TIMEOUT_S));
		run = harness__wait_orphan(pid, 30);
		if (kill(pid, 0) == 0)
			fail_msg("the command did not end: state %s", process_status(pid, "State"));
		run__free(run);
	}
}

/* The process that stops others ends first: the target goes on, and the report says that. */
static void test_killed_watcher(void **state)
{
	struct leak_target target = leak_target__start();
	struct child *tracer = watch(target.child, "0.2", NULL);
	const json_t *record;
	pid_t watcher;
	struct run *run;
	(void)state;

	leak_target__tell(&target, "churn 2");
	child__wait_event(tracer, "outstanding", 2, RUN_TIMEOUT_S);
	watcher = atoi(process_status(child__pid(target.child), "TracerPid"));
	if (watcher <= 0 || watcher == child__pid(tracer))
		SKIP("the process is traced by no process of its own");
	kill(watcher, SIGKILL);
	leak_target__assert_free(&target);
	pause_ms(600);
	run = stop_tracer(tracer);
	record = event_record(run, "outstanding", count_events(run, "outstanding") - 1);
	assert_true(is_null(record, "leaks"));
	assert_one_line(words("%s\n", text(record, "leaks_why")));
	run__free(run);
	leak_target__end(&target);
}

/* Ctrl-Z stops the tracer, and nobody waits for it. */
static void test_stopped_tracer(void **state)
{
	struct leak_target target = leak_target__start();
	struct child *tracer = watch(target.child, NULL, NULL);
	struct run *run;
	(void)state;

	leak_target__tell(&target, "churn 1");
	kill(child__pid(tracer), SIGSTOP);
	child__send(target.child, "exit 7\n");
	run = child__finish(target.child, 20);
	assert_false(run->timed_out);
	assert_int_equal(run->exit_status, 7);
	run__free(run);
	kill(child__pid(tracer), SIGCONT);
	run = child__finish(tracer, RUN_TIMEOUT_S);
	assert_int_equal(run->exit_status, 0);
	assert_true(is_null(exit_record(run), "leaks"));
	assert_non_null(strstr(text(exit_record(run), "leaks_why"), "too late"));
	run__free(run);
}

/* ---- a debugger was there first ---- */

static void assert_not_checked(const struct run *run, pid_t debugger)
{
	const json_t *record = event_record(run, "outstanding", 0);

	assert_true(is_null(record, "leaks"));
	print_message("%s\n", text(record, "leaks_why"));
	assert_contains(text(record, "leaks_why"), words("%d", (int)debugger));
	assert_null(strchr(text(record, "leaks_why"), '\n'));
}

static void test_traced_target(void **state)
{
	struct leak_target target = leak_target__start();
	pid_t pid = child__pid(target.child);
	struct run *run;
	(void)state;

	assert_int_equal(ptrace(PTRACE_SEIZE, pid, NULL, NULL), 0);
	run = child__finish(watch(target.child, "0", "1"), RUN_TIMEOUT_S);
	assert_not_checked(run, getpid());
	run__free(run);
	assert_int_equal(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL), 0);
	assert_int_equal(waitpid(pid, NULL, __WALL), pid);
	assert_int_equal(ptrace(PTRACE_DETACH, pid, NULL, NULL), 0);
	/* From now on it can be checked. */
	run = child__finish(watch(target.child, "0", "1"), RUN_TIMEOUT_S);
	leak_counts__of(event_record(run, "outstanding", 0));
	run__free(run);
	leak_target__end(&target);
}

static void test_target_in_gdb(void **state)
{
	struct leak_target target = leak_target__start();
	struct child *gdb;
	struct run *run;
	(void)state;

	if (!have_program("gdb"))
		SKIP("no gdb");
	gdb = child__start(&(struct child_options){
		.argv = ARGS("gdb", "-q", "-nx", "-batch", "-iex", "set debuginfod enabled off",
			     "-iex", "set debug-file-directory /nonexistent", "-p",
			     pid_text(target.child), "-ex", "shell echo stopped", "-ex",
			     "shell read line", "-ex", "detach"),
		.stdin_pipe = true,
	});
	child__wait_output(gdb, "stopped\n", 1, RUN_TIMEOUT_S);
	run = child__finish(watch(target.child, "0", "1"), RUN_TIMEOUT_S);
	assert_not_checked(run, child__pid(gdb));
	run__free(run);
	child__send(gdb, "go\n");
	run__free(child__finish(gdb, RUN_TIMEOUT_S));
	leak_target__end(&target);
}

/* gdb comes while the tracer watches: it is refused, and the checks go on. */
static void test_debugger_that_comes_later(void **state)
{
	struct leak_target target = leak_target__start();
	struct child *tracer = watch(target.child, "0.1", NULL);
	struct run *run;
	long result;
	(void)state;

	child__wait_event(tracer, "outstanding", 2, RUN_TIMEOUT_S);
	result = ptrace(PTRACE_SEIZE, child__pid(target.child), NULL, NULL);
	assert_int_equal(result, -1);
	assert_int_equal(errno, EPERM);
	child__wait_event(tracer, "outstanding", 5, RUN_TIMEOUT_S);
	run = stop_tracer(tracer);
	leak_counts__of(event_record(run, "outstanding", 4));
	run__free(run);
	leak_target__end(&target);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_commands_are_not_changed),
		SYSTEM_TEST(test_waits_are_not_cut_short),
		SYSTEM_TEST(test_job_control),
		SYSTEM_TEST(test_killed_tracer),
		SYSTEM_TEST(test_killed_tracer_of_a_command),
		SYSTEM_TEST(test_killed_watcher),
		SYSTEM_TEST(test_stopped_tracer),
		SYSTEM_TEST(test_traced_target),
		SYSTEM_TEST(test_target_in_gdb),
		SYSTEM_TEST(test_debugger_that_comes_later),
	};

	return cmocka_run_group_tests_name("leak_process", tests, harness__begin, harness__end);
}
