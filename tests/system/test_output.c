// SPDX-License-Identifier: GPL-2.0
/* Where reports go: files that are rotated, terminals that hang up, full disks and closed pipes. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon.h"
#include "harness.h"
#include "options.h"

/* ---- SIGHUP ---- */

/* Every call writes a record, and the file is moved away again and again in the meantime. */
static void test_rotation_loses_nothing(void **state)
{
	const unsigned int rounds = scaled(20), calls = 300;
	const char *report = scratch("rotated.jsonl");
	struct child *daemon = start_daemon("obey");
	const char *argv[] = { tracer_path(), "--json",		"-t", "-w", report,
			       "-p",	      pid_text(daemon), NULL };
	struct child_options options = { .argv = argv, .report_path = report };
	struct child *tracer = child__start(&options);
	unsigned int allocated = 0, freed = 0;
	char moved[4200], commands[64];
	struct run *run;
	(void)state;

	child__wait_event(tracer, "start", 1, RUN_TIMEOUT_S);
	for (unsigned int i = 0; i < rounds; i++) {
		snprintf(commands, sizeof(commands), "alloc %u 40\nfree %u\n", calls, calls);
		child__send(daemon, commands);
		snprintf(moved, sizeof(moved), "%s.%u", report, i);
		assert_int_equal(rename(report, moved), 0);
		kill(child__pid(tracer), SIGHUP);
		wait_for_file(report);
	}
	child__wait_output(daemon, "ok\n", 2 * rounds, 30);
	end_daemon(daemon);
	run = child__finish(tracer, 30);
	assert_int_equal(run->exit_status, STATUS_OK);
	assert_int_equal(run->err_size, 0);
	assert_int_equal(number(event_record(run, "total", 0), "lost.events"), 0);
	allocated = count_in(report, "alloc");
	freed = count_in(report, "free");
	for (unsigned int i = 0; i < rounds; i++) {
		snprintf(moved, sizeof(moved), "%s.%u", report, i);
		allocated += count_in(moved, "alloc");
		freed += count_in(moved, "free");
	}
	assert_int_equal(allocated, rounds * calls);
	assert_int_equal(freed, rounds * calls);
	assert_int_equal(count_in(report, "exit"), 1);
	run__free(run);
}

static void test_reopening_fails(void **state)
{
	const char *report = scratch("held.jsonl"), *moved = scratch("held.jsonl.1");
	struct child *daemon = start_daemon("obey");
	const char *argv[] = { tracer_path(), "--json",		"-w",  report,
			       "-p",	      pid_text(daemon), "0.1", NULL };
	struct child_options options = { .argv = argv, .report_path = report };
	struct child *tracer = child__start(&options);
	unsigned int before;
	double end_s = now_s() + 30;
	struct run *run;
	(void)state;

	child__wait_event(tracer, "outstanding", 1, 30);
	assert_int_equal(rename(report, moved), 0);
	assert_int_equal(mkdir(report, 0700), 0);
	kill(child__pid(tracer), SIGHUP);
	/* The report goes on in the old file. */
	before = count_in(moved, "outstanding");
	while (count_in(moved, "outstanding") < before + 5 && now_s() < end_s)
		pause_ms(20);
	assert_true(count_in(moved, "outstanding") >= before + 5);
	assert_int_equal(rmdir(report), 0);
	kill(child__pid(tracer), SIGHUP);
	wait_for_file(report);
	child__wait_event(tracer, "outstanding", 1, 30);
	kill(child__pid(tracer), SIGTERM);
	run = child__finish(tracer, 30);
	assert_int_equal(run->exit_status, STATUS_OK);
	assert_one_line(run->err);
	assert_contains(run->err, "warning");
	assert_contains(run->err, report);
	run__free(run);
	end_daemon(daemon);
}

/* Without a report file, SIGHUP acts as SIGTERM. */
static void test_hangup_without_a_file(void **state)
{
	struct child *daemon = start_daemon("obey");
	const char *argv[] = { tracer_path(), "-p", pid_text(daemon), NULL };
	struct child_options options = { .argv = argv };
	struct child *tracer = child__start(&options);
	struct run *run;
	(void)state;

	child__wait_output(tracer, "tracing", 1, 30);
	kill(child__pid(tracer), SIGHUP);
	run = child__finish(tracer, 30);
	assert_int_equal(run->exit_status, STATUS_OK);
	assert_contains(run->out, "outstanding");
	run__free(run);
	end_daemon(daemon);
}

/* With a command, SIGHUP is passed on to the command. */
static void test_hangup_of_a_command(void **state)
{
	const char *report = scratch("command.jsonl"), *moved = scratch("command.jsonl.1");
	const char *argv[] = { tracer_path(), "--json", "-w", report, "--", "sleep", "100", NULL };
	struct child_options options = { .argv = argv };
	struct child *tracer = child__start(&options);
	struct run *run;
	(void)state;

	wait_for_file(report);
	while (!count_in(report, "start") && child__is_running(tracer))
		pause_ms(5);
	assert_int_equal(rename(report, moved), 0);
	kill(child__pid(tracer), SIGHUP);
	run = child__finish(tracer, 30);
	assert_int_equal(run->exit_status, 128 + SIGHUP);
	assert_int_equal(count_in(moved, "exit"), 1);
	assert_int_equal(access(report, F_OK), -1);
	run__free(run);
}

/*
 * Makes this process the leader of a session on the terminal whose master is the descriptor at
 * *context.
 */
static int take_terminal(void *context)
{
	int master = *(int *)context, slave = open(ptsname(master), O_RDWR | O_NOCTTY);

	close(master);
	return slave < 0 || setsid() < 0 || ioctl(slave, TIOCSCTTY, 0);
}

static pid_t job;

static void pass_hangup_on(int signal_number)
{
	kill(job, signal_number);
}

/* As take_terminal, but the tracer is a job in the background of a shell. */
static int take_terminal_as_a_job(void *context)
{
	struct sigaction action = { .sa_handler = pass_hangup_on, .sa_flags = SA_RESTART };
	int status;

	if (take_terminal(context))
		return 1;
	job = fork();
	if (!job)
		return setpgid(0, 0);
	sigaction(SIGHUP, &action, NULL);
	if (waitpid(job, &status, 0) != job)
		_exit(97);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 98);
}

static void check_terminal(int (*prepare)(void *context))
{
	const char *report = scratch("terminal.jsonl"), *moved = scratch("terminal.jsonl.1");
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct child *daemon = start_daemon("obey"), *tracer;
	const char *argv[] = { tracer_path(), "--json", "-w", report, "-p", pid_text(daemon), NULL };
	struct child_options options = {
		.argv = argv,
		.report_path = report,
		.prepare = prepare,
		.prepare_context = &master,
	};
	struct run *run;

	if (master < 0 || grantpt(master) || unlockpt(master))
		SKIP("there are no pseudo-terminals here");
	unlink(report);
	tracer = child__start(&options);
	child__wait_event(tracer, "start", 1, RUN_TIMEOUT_S);
	/* While there is a terminal, SIGHUP is somebody's request. */
	assert_int_equal(rename(report, moved), 0);
	kill(child__pid(tracer), SIGHUP);
	wait_for_file(report);
	close(master);
	run = child__finish(tracer, 30);
	assert_false(run->timed_out);
	assert_int_equal(run->exit_status, STATUS_OK);
	assert_int_equal(count_events(run, "outstanding"), 1);
	assert_int_equal(count_events(run, "total"), 1);
	run__free(run);
	unlink(moved);
	end_daemon(daemon);
}

static void test_terminal_hangs_up(void **state)
{
	(void)state;
	check_terminal(take_terminal);
}

/* Then SIGHUP comes from the shell, which is a process. */
static void test_terminal_of_a_job_hangs_up(void **state)
{
	(void)state;
	check_terminal(take_terminal_as_a_job);
}

/* ---- disks and pipes ---- */

/* A disk of 16 KiB, which only this program and its children see. */
static char *mount_small_disk(void)
{
	char *path = strdup(scratch("disk"));

	assert_non_null(path);
	make_folder(path);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", path, "tmpfs", 0, "size=16k"))
		SKIP("no file system can be mounted here: %s", strerror(errno));
	return path;
}

static void unmount_small_disk(char *path)
{
	umount2(path, MNT_DETACH);
	free(path);
}

static void assert_output_failed(const struct run *run, const char *name, int error)
{
	if (run->exit_status != STATUS_OUTPUT)
		run__print(run);
	assert_int_equal(run->exit_status, STATUS_OUTPUT);
	assert_one_line(run->err);
	assert_contains(run->err, name);
	assert_contains(run->err, strerror(error));
}

/* The command makes more calls than the disk has room to report; it must not notice. */
static void check_full_disk_of_a_command(const char *path)
{
	struct bpf_objects before = bpf_objects_now();
	const char *argv[] = { tracer_path(),	      "--json", "-t", "-w", path, "--",
			       victim("obey_static"), NULL };
	struct child_options options = { .argv = argv, .stdin_pipe = true };
	struct child *tracer = child__start(&options);
	struct run *run;

	child__wait_output(tracer, "ready\n", 1, 30);
	child__send(tracer, "alloc 500 100\n");
	child__wait_output(tracer, "ok\n", 1, 30);
	assert_no_bpf_objects_since(&before);
	assert_true(child__is_running(tracer));
	child__send(tracer, "free 500\nexit 5\n");
	run = child__finish(tracer, 30);
	assert_contains(run->out, "ready\nok\nok\n");
	assert_output_failed(run, path, ENOSPC);
	run__free(run);
}

static void test_full_disk_of_a_command(void **state)
{
	char *disk, path[4200];
	(void)state;

	if (access("/dev/full", W_OK) != 0)
		SKIP("there is no /dev/full here");
	check_full_disk_of_a_command("/dev/full");
	disk = mount_small_disk();
	snprintf(path, sizeof(path), "%s/report", disk);
	check_full_disk_of_a_command(path);
	unmount_small_disk(disk);
}

/* The daemon neither notices nor keeps a breakpoint. */
static void assert_left_alone(struct child *daemon, const struct bpf_objects *before)
{
	assert_no_bpf_objects_since(before);
	assert_text_untouched(child__pid(daemon), victim("obey_static"));
	end_daemon(daemon);
}

static void test_full_disk_with_a_daemon(void **state)
{
	struct bpf_objects before = bpf_objects_now();
	struct child *daemon = start_daemon("obey_static"), *tracer;
	char *disk, path[4200];
	const char *argv[] = { tracer_path(), "--json",		"-t", "-w", path,
			       "-p",	      pid_text(daemon), NULL };
	struct child_options options = { .argv = argv, .report_path = path };
	struct run *run;
	(void)state;

	if (access("/dev/full", W_OK) != 0)
		SKIP("there is no /dev/full here");
	run = run_tracer(ARGS("--json", "-w", "/dev/full", "-p", pid_text(daemon)));
	assert_output_failed(run, "/dev/full", ENOSPC);
	run__free(run);

	disk = mount_small_disk();
	snprintf(path, sizeof(path), "%s/report", disk);
	tracer = child__start(&options);
	child__wait_event(tracer, "start", 1, RUN_TIMEOUT_S);
	child__send(daemon, "alloc 500 100\n");
	/* The end of the report is cut: the harness must not read it. */
	while (child__is_running(tracer))
		pause_ms(10);
	unmount_small_disk(disk);
	run = child__finish(tracer, 30);
	assert_output_failed(run, path, ENOSPC);
	run__free(run);
	assert_left_alone(daemon, &before);
}

static int open_reader(const char *fifo)
{
	int fd;

	unlink(fifo);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	fd = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/* The tracer ends at once, not at its next report; and quietly, as any filter before head. */
static void test_closed_pipe_with_a_daemon(void **state)
{
	struct bpf_objects before = bpf_objects_now();
	const char *fifo = scratch("pipe");
	int reader = open_reader(fifo);
	struct child *daemon = start_daemon("obey_static");
	const char *argv[] = { tracer_path(), "-p", pid_text(daemon), NULL };
	struct child_options options = { .argv = argv, .stdout_path = fifo };
	struct child *tracer = child__start(&options);
	struct pollfd readable = { .fd = reader, .events = POLLIN };
	struct run *run;
	(void)state;

	/* The first line tells that it is attached. */
	assert_int_equal(poll(&readable, 1, 60000), 1);
	close(reader);
	run = child__finish(tracer, 30);
	assert_false(run->timed_out);
	assert_int_equal(run->exit_status, 128 + SIGPIPE);
	assert_string_equal(run->err, "");
	run__free(run);
	assert_left_alone(daemon, &before);
}

static void test_closed_pipe_of_a_command(void **state)
{
	struct bpf_objects before = bpf_objects_now();
	const char *fifo = scratch("pipe");
	int reader = open_reader(fifo);
	const char *argv[] = { tracer_path(), "-w", fifo, "--", victim("obey_static"), NULL };
	struct child_options options = { .argv = argv, .stdin_pipe = true };
	struct child *tracer = child__start(&options);
	struct run *run;
	(void)state;

	child__wait_output(tracer, "ready\n", 1, 30);
	close(reader);
	assert_no_bpf_objects_since(&before);
	/* The command is there still, untraced. */
	assert_true(child__is_running(tracer));
	child__send(tracer, "alloc 10 100\nfree 10\nexit 5\n");
	run = child__finish(tracer, 30);
	assert_contains(run->out, "ready\nok\nok\n");
	assert_int_equal(run->exit_status, 5);
	assert_string_equal(run->err, "");
	run__free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_rotation_loses_nothing),
		SYSTEM_TEST(test_reopening_fails),
		SYSTEM_TEST(test_hangup_without_a_file),
		SYSTEM_TEST(test_hangup_of_a_command),
		SYSTEM_TEST(test_terminal_hangs_up),
		SYSTEM_TEST(test_terminal_of_a_job_hangs_up),
		SYSTEM_TEST(test_full_disk_of_a_command),
		SYSTEM_TEST(test_full_disk_with_a_daemon),
		SYSTEM_TEST(test_closed_pipe_with_a_daemon),
		SYSTEM_TEST(test_closed_pipe_of_a_command),
	};

	return cmocka_run_group_tests_name("output", tests, harness__begin, harness__end);
}
