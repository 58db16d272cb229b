// SPDX-License-Identifier: GPL-2.0
/*
 * Waiting: the tracer answers and ends soon, however slow others are, and neither haste nor SIGKILL
 * leaves anything behind.
 */
#include "harness.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the end of a tracer whose probes take long to take away ---- */

static struct child *start_victim(void)
{
	const char *argv[] = { victim("obey_static"), NULL };
	struct child_options options = { .argv = argv, .stdin_pipe = true };
	struct child *child = child__start(&options);

	child__wait_output(child, "ready\n", 1, 30);
	return child;
}

static void end_victim(struct child *child)
{
	struct run *run;

	child__send(child, "alloc 10 100\nfree 20\nexit 21\n");
	run = child__finish(child, 30);
	assert_int_equal(run->exit_status, 21);
	run__free(run);
}

/* Traces them by perf events, which take the longest to close; in a process group of its own. */
static struct child *start_slow_tracer(struct child *const *victims, unsigned int nr,
				       const char *report)
{
	char pids[256] = "";
	const char *argv[] = { tracer_path(), "--attach", "perf", "--json", "-w",
			       report,	      "-p",	  pids,	  NULL };
	struct child_options options = { .argv = argv, .report_path = report, .own_group = true };

	for (unsigned int i = 0; i < nr; i++)
		snprintf(pids + strlen(pids), sizeof(pids) - strlen(pids), "%s%d", i ? "," : "",
			 child__pid(victims[i]));
	unlink(report);
	return child__start(&options);
}

static void kill_group(struct child *tracer)
{
	if (child__is_running(tracer))
		kill(-child__pid(tracer), SIGKILL);
}

/*
 * The tracer's group is killed as timeout -k does it, at another moment of each try: half the
 * breakpoints must not stay.
 */
static void test_killed_group_while_it_detaches(void **state)
{
	struct bpf_objects before = bpf_objects_now();
	(void)state;

	for (unsigned int i = 0; i < scaled(8); i++) {
		struct child *victim_child = start_victim();
		struct child *tracer = start_slow_tracer(&victim_child, 1, scratch("group.json"));

		child__wait_event(tracer, "start", 1, RUN_TIMEOUT_S);
		kill(child__pid(tracer), SIGINT);
		child__wait_event(tracer, "total", 1, RUN_TIMEOUT_S);
		pause_ms(25 * i);
		kill_group(tracer);
		run__free(child__finish(tracer, 30));
		assert_text_untouched(child__pid(victim_child), victim("obey_static"));
		end_victim(victim_child);
	}
	assert_no_bpf_objects_since(&before);
}

static void test_killed_group_while_it_attaches(void **state)
{
	struct bpf_objects before = bpf_objects_now();
	(void)state;

	for (unsigned int i = 0; i < scaled(8); i++) {
		struct child *victim_child = start_victim();
		struct child *tracer = start_slow_tracer(&victim_child, 1, scratch("group.json"));

		for (int waited_ms = 0;
		     waited_ms < 10000 && child__is_running(tracer) &&
		     !text_is_touched(child__pid(victim_child), victim("obey_static"));
		     waited_ms++)
			pause_ms(1);
		pause_ms((long)i * 3);
		kill_group(tracer);
		run__free(child__finish(tracer, 30));
		assert_text_untouched(child__pid(victim_child), victim("obey_static"));
		end_victim(victim_child);
	}
	assert_no_bpf_objects_since(&before);
}

/* The report and the exit status are out long before the kernel has taken the last probe away. */
static void test_end_does_not_wait_for_probes(void **state)
{
	enum { NR_VICTIMS = 12 };
	struct bpf_objects before = bpf_objects_now();
	struct child *victims[NR_VICTIMS], *tracer;
	struct run *run;
	double began_s, took_s;
	(void)state;

	for (unsigned int i = 0; i < NR_VICTIMS; i++)
		victims[i] = start_victim();
	tracer = start_slow_tracer(victims, NR_VICTIMS, scratch("soon.json"));
	child__wait_event(tracer, "start", 1, RUN_TIMEOUT_S);
	kill(child__pid(tracer), SIGINT);
	child__wait_event(tracer, "total", 1, RUN_TIMEOUT_S);
	began_s = now_s();
	run = child__finish(tracer, RUN_TIMEOUT_S);
	took_s = now_s() - began_s;
	assert_false(run->timed_out);
	assert_int_equal(run->exit_status, 0);
	if (took_s > 3)
		fail_msg("it ended %.1f s after its report", took_s);
	run__free(run);
	for (unsigned int i = 0; i < NR_VICTIMS; i++)
		assert_text_untouched(child__pid(victims[i]), victim("obey_static"));
	for (unsigned int i = 0; i < NR_VICTIMS; i++)
		end_victim(victims[i]);
	assert_no_bpf_objects_since(&before);
}

/* ---- a reader that does not read ---- */

/* Makes a named pipe, reads nothing from it, and keeps it open. */
static int open_unread_pipe(const char *path)
{
	int fd;

	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void wait_until_it_holds(int fd, int nr_bytes)
{
	double end_s = now_s() + RUN_TIMEOUT_S;
	int held = 0;

	while (held < nr_bytes && now_s() < end_s) {
		pause_ms(10);
		assert_int_equal(ioctl(fd, FIONREAD, &held), 0);
	}
	assert_true(held >= nr_bytes);
}

/*
 * Full is a pipe with no page left, however few bytes these pages hold: a piece that does not fit
 * into the last page takes a page of its own.
 */
static void wait_until_full(int fd)
{
	struct pollfd end = { .events = POLLOUT };
	double end_s = now_s() + RUN_TIMEOUT_S;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	end.fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(end.fd >= 0);
	while (poll(&end, 1, 0) > 0) {
		assert_true(now_s() < end_s);
		pause_ms(10);
	}
	close(end.fd);
	pause_ms(300); /* the next piece may yet fit into the last page */
}

static void test_signal_while_nobody_reads(void **state)
{
	const char *pipe_path = scratch("unread");
	int fd = open_unread_pipe(pipe_path);
	struct child *victim_child = start_victim(), *tracer;
	char pid[32];
	const char *argv[] = { tracer_path(), "--json", "-t", "-p", pid, NULL };
	struct child_options options = { .argv = argv, .stdout_path = pipe_path };
	struct run *run;
	(void)state;

	snprintf(pid, sizeof(pid), "%d", child__pid(victim_child));
	tracer = child__start(&options);
	wait_until_it_holds(fd, 1); /* the start record: all is probed */
	child__send(victim_child, "alloc 5000 16\n");
	child__wait_output(victim_child, "ok\n", 1, 30);
	wait_until_full(fd);
	assert_true(child__is_running(tracer));
	kill(child__pid(tracer), SIGTERM);
	run = child__finish(tracer, 30);
	assert_false(run->timed_out);
	assert_int_equal(run->exit_status, 124);
	assert_contains(run->err, "does not read");
	assert_one_line(run->err);
	run__free(run);
	assert_text_untouched(child__pid(victim_child), victim("obey_static"));
	child__close_stdin(victim_child);
	run__free(child__finish(victim_child, 30));
	close(fd);
}

/* Reads until the other end is closed; returns the last text. */
static const char *read_to_the_end(int fd)
{
	static char text[8192];
	size_t nr = 0;
	ssize_t n;

	fcntl(fd, F_SETFL, 0);
	while ((n = read(fd, text + nr, sizeof(text) / 2 - 1)) > 0) {
		nr += (size_t)n;
		if (nr >= sizeof(text) / 2) {
			memmove(text, text + nr - 1024, 1024);
			nr = 1024;
		}
		text[nr] = '\0';
	}
	return text;
}

/* A stop drops nothing: the last report waits for its reader, even a slow one. */
static void test_last_report_waits_for_its_reader(void **state)
{
	const char *pipe_path = scratch("unread");
	int fd = open_unread_pipe(pipe_path);
	struct child *victim_child = start_victim(), *tracer;
	char pid[32];
	const char *argv[] = { tracer_path(), "--json", "-a", "-p", pid, NULL };
	struct child_options options = { .argv = argv, .stdout_path = pipe_path };
	struct run *run;
	(void)state;

	snprintf(pid, sizeof(pid), "%d", child__pid(victim_child));
	tracer = child__start(&options);
	wait_until_it_holds(fd, 1); /* the start record: all is probed */
	child__send(victim_child, "alloc 5000 16\n");
	child__wait_output(victim_child, "ok\n", 1, 30);
	kill(child__pid(tracer), SIGINT);
	wait_until_full(fd);
	assert_true(child__is_running(tracer));
	assert_contains(read_to_the_end(fd), "\"event\":\"total\"");
	run = child__finish(tracer, 30);
	assert_int_equal(run->exit_status, 0);
	run__free(run);
	child__close_stdin(victim_child);
	run__free(child__finish(victim_child, 30));
	close(fd);
}

/*
 * The tracer is the command's parent: the command must not stay a zombie for as long as nobody
 * reads.
 */
static void test_command_ends_while_nobody_reads(void **state)
{
	const char *pipe_path = scratch("unread");
	int fd = open_unread_pipe(pipe_path), pid = 0;
	const char *argv[] = { tracer_path(),
			       "-t",
			       "-w",
			       pipe_path,
			       "--",
			       "sh",
			       "-c",
			       "echo $$; exec \"$0\" 5000 24",
			       victim("million"),
			       NULL };
	struct child_options options = { .argv = argv };
	struct child *tracer = child__start(&options);
	double end_s = now_s() + 30;
	struct run *run;
	char *output;
	(void)state;

	wait_until_full(fd);
	output = child__output(tracer);
	assert_int_equal(sscanf(output, "%d", &pid), 1);
	free(output);
	while (!kill(pid, 0) && now_s() < end_s)
		pause_ms(10);
	assert_int_equal(kill(pid, 0), -1);
	assert_true(child__is_running(tracer));
	kill(child__pid(tracer), SIGINT);
	run = child__finish(tracer, 30);
	assert_false(run->timed_out);
	assert_int_equal(run->exit_status, 124);
	run__free(run);
	close(fd);
}

/* ---- many ends beside many blocks ---- */

/* The tracer's own CPU time for a hundred ends beside two hundred thousand blocks. */
static double cpu_for_many_ends(const char *const *options)
{
	char blocks[16];
	struct run *run;
	double cpu_s;

	snprintf(blocks, sizeof(blocks), "%u", scaled(200000));
	run = trace(options, ARGS("sh", "-c",
				  "\"$0\" $1; for i in 1 2 3 4 5 6 7 8 9 10; do "
				  "for j in 1 2 3 4 5 6 7 8 9 10; do \"$0\" 3; done; done",
				  victim("million"), blocks));
	assert_int_equal(run->exit_status, 0);
	cpu_s = real(event_record(run, "total", 0), "tracer.cpu_s");
	run__free(run);
	return cpu_s;
}

/* With -a and -o single blocks are looked at: by one walk of the map for many ends. */
static void test_one_walk_for_many_ends(void **state)
{
	double plain_s, walking_s;
	(void)state;

	plain_s = cpu_for_many_ends(ARGS("-f"));
	walking_s = cpu_for_many_ends(ARGS("-f", "-o", "3600000"));
	print_message("%.2f s without, %.2f s with single blocks\n", plain_s, walking_s);
	if (walking_s > 3 * plain_s + 2)
		fail_msg("ends cost %.2f s of CPU without, %.2f s with single blocks", plain_s,
			 walking_s);
}

/* ---- what is scarce is called by its name ---- */

static int limit_files(void *context)
{
	const struct rlimit limit = { 8, 8 };
	(void)context;

	return setrlimit(RLIMIT_NOFILE, &limit);
}

static int limit_file_size(void *context)
{
	const struct rlimit limit = { 512, 512 };
	(void)context;

	return setrlimit(RLIMIT_FSIZE, &limit);
}

static void test_few_descriptors(void **state)
{
	const char *argv[] = { tracer_path(), "--", "true", NULL };
	struct child_options options = { .argv = argv, .prepare = limit_files };
	struct run *run = run_with(&options, RUN_TIMEOUT_S);
	(void)state;

	assert_int_equal(run->exit_status, 125);
	assert_contains(run->err, "open files");
	assert_one_line(run->err);
	run__free(run);
}

static int limit_files_to_many(void *context)
{
	const struct rlimit limit = { 256, 256 };
	(void)context;

	return setrlimit(RLIMIT_NOFILE, &limit);
}

static void alloc_and_end(struct child *child, const char *words, unsigned int nr_answers)
{
	child__send(child, words);
	child__wait_output(child, "ok\n", nr_answers, RUN_TIMEOUT_S);
	child__send(child, "exit 0\n");
	run__free(child__finish(child, RUN_TIMEOUT_S));
}

/* One process maps more files than anybody may have open: it is counted, and so are the others. */
static void test_more_files_than_descriptors(void **state)
{
	const char *argv[] = { tracer_path(), "--json", "-w", scratch("files.json"), NULL };
	struct child_options options = { .argv = argv,
					 .report_path = scratch("files.json"),
					 .prepare = limit_files_to_many };
	struct child *mapper = start_victim(), *tracer, *other;
	pid_t pid = child__pid(mapper), other_pid;
	char many[32];
	struct run *run;
	(void)state;

	tracer = child__start(&options);
	child__wait_event(tracer, "start", 1, RUN_TIMEOUT_S);
	snprintf(many, sizeof(many), "map %u\n", scaled(25000));
	child__send(mapper, many);
	child__wait_output(mapper, "ok\n", 1, RUN_TIMEOUT_S);
	other = start_victim(); /* the same program */
	other_pid = child__pid(other);
	alloc_and_end(mapper, "alloc 10 100\n", 2);
	alloc_and_end(other, "alloc 20 50\n", 1);
	child__wait_event(tracer, "exit", 2, RUN_TIMEOUT_S);
	kill(child__pid(tracer), SIGINT);
	run = child__finish(tracer, RUN_TIMEOUT_S);
	assert_int_equal(run->exit_status, 0);
	assert_held(last_exit_record_of(run, pid), 1000, 10);
	/* This process is seen from its start, with the blocks that libc holds. */
	assert_int_equal(stacks_with(last_exit_record_of(run, other_pid), "keep").blocks, 20);
	run__free(run);
}

/* The report is cut, and the tracer says so; the command comes to its own end. */
static void test_file_size_limit(void **state)
{
	const char *argv[] = { tracer_path(), "-t", "-w", scratch("short.txt"),
			       "--",	      "sh", "-c", "ls / >/dev/null; sleep 1; echo end",
			       NULL };
	struct child_options options = { .argv = argv, .prepare = limit_file_size };
	struct run *run = run_with(&options, RUN_TIMEOUT_S);
	(void)state;

	assert_int_equal(run->exit_status, 124);
	assert_contains(run->err, "File too large");
	assert_string_equal(run->out, "end\n");
	run__free(run);
}

/* ---- a report in a folder of everybody's ---- */

static struct run *report_to(const char *path)
{
	const char *argv[] = { tracer_path(), "-w", path, "--", "true", NULL };

	return run_plain(argv);
}

static void assert_refused(const char *path, const char *untouched)
{
	struct run *run = report_to(path);
	struct stat status;

	assert_int_equal(run->exit_status, 124);
	assert_contains(run->err, "Permission denied");
	run__free(run);
	assert_int_equal(stat(untouched, &status), 0);
	assert_int_equal(status.st_size, strlen("precious\n"));
}

static void test_report_in_everybodys_folder(void **state)
{
	const char *folder = scratch("everybodys"), *precious = scratch("precious");
	char link_path[4096], file_path[4096];
	struct run *run;
	FILE *file;
	(void)state;

	snprintf(link_path, sizeof(link_path), "%s/link", folder);
	snprintf(file_path, sizeof(file_path), "%s/file", folder);
	file = fopen(precious, "w");
	assert_non_null(file);
	fputs("precious\n", file);
	fclose(file);
	assert_int_equal(mkdir(folder, 01777), 0);
	assert_int_equal(chmod(folder, 01777), 0);
	/* Somebody else's link, second name of our file, and file. */
	assert_int_equal(symlink(precious, link_path), 0);
	assert_int_equal(lchown(link_path, 65534, 65534), 0);
	assert_refused(link_path, precious);
	assert_int_equal(link(precious, file_path), 0);
	assert_refused(file_path, precious);
	assert_int_equal(unlink(file_path), 0);
	assert_int_equal(rename(precious, file_path), 0);
	assert_int_equal(chown(file_path, 65534, 65534), 0);
	assert_refused(file_path, file_path);
	/* Our own link and file are taken. */
	assert_int_equal(chown(file_path, 0, 0), 0);
	assert_int_equal(lchown(link_path, 0, 0), 0);
	assert_int_equal(unlink(link_path), 0);
	assert_int_equal(symlink("file", link_path), 0);
	run = report_to(link_path);
	assert_int_equal(run->exit_status, 0);
	run__free(run);
	unlink(link_path);
	unlink(file_path);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(test_killed_group_while_it_detaches),
		SYSTEM_TEST(test_killed_group_while_it_attaches),
		SYSTEM_TEST(test_end_does_not_wait_for_probes),
		SYSTEM_TEST(test_signal_while_nobody_reads),
		SYSTEM_TEST(test_last_report_waits_for_its_reader),
		SYSTEM_TEST(test_command_ends_while_nobody_reads),
		SYSTEM_TEST(test_one_walk_for_many_ends),
		SYSTEM_TEST(test_few_descriptors),
		SYSTEM_TEST(test_more_files_than_descriptors),
		SYSTEM_TEST(test_file_size_limit),
		SYSTEM_TEST(test_report_in_everybodys_folder),
	};

	return cmocka_run_group_tests_name("waiting", tests, harness__begin, harness__end);
}
