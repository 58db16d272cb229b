// SPDX-License-Identifier: GPL-2.0
/*
 * Children, their output and their time limits. Output goes to unlinked files rather than pipes: no
 * child ever waits for this program to read, and a child that outlives the tracer can go on
 * writing.
 */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct child {
	pid_t pid;
	int out, err, stdin_writer;
	char *report_path;
	double started_s;
	bool reaped;
	int wait_status;
};

static int memory_file(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	if (fd < 0)
		fail_msg("memfd_create: %s", strerror(errno));
	/* Two processes may write to one file: each appends at the end. */
	fcntl(fd, F_SETFL, O_APPEND);
	return fd;
}

static void exec_child(const struct child_options *options, int input, int out, int err)
{
	if (options->own_group)
		setpgid(0, 0);
	signal(SIGPIPE, SIG_DFL);
	if (options->directory && chdir(options->directory) != 0)
		_exit(96);
	if (dup2(input, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
		_exit(96);
	if (options->prepare && options->prepare(options->prepare_context) != 0)
		_exit(96);
	if (options->environment)
		execvpe(options->argv[0], (char *const *)options->argv, options->environment);
	else
		execvp(options->argv[0], (char *const *)options->argv);
	_exit(95);
}

static int input_for(const struct child_options *options, int *writer)
{
	int ends[2];

	*writer = -1;
	if (!options->stdin_text && !options->stdin_pipe)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (options->stdin_text) {
		int fd = memory_file("stdin");
		size_t size = strlen(options->stdin_text);

		if (write(fd, options->stdin_text, size) != (ssize_t)size)
			fail_msg("stdin: %s", strerror(errno));
		lseek(fd, 0, SEEK_SET);
		return fd;
	}
	if (pipe2(ends, O_CLOEXEC) != 0)
		fail_msg("pipe: %s", strerror(errno));
	*writer = ends[1];
	return ends[0];
}

struct child *child__start(const struct child_options *options)
{
	struct child *child = calloc(1, sizeof(*child));
	int input, out;

	assert_non_null(child);
	child->out = memory_file("stdout");
	child->err = memory_file("stderr");
	input = input_for(options, &child->stdin_writer);
	out = child->out;
	if (options->stdout_path) {
		out = open(options->stdout_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		if (out < 0)
			fail_msg("%s: %s", options->stdout_path, strerror(errno));
	}
	if (options->report_path) {
		child->report_path = strdup(options->report_path);
		assert_non_null(child->report_path);
	}
	child->started_s = now_s();
	child->pid = fork();
	if (child->pid < 0)
		fail_msg("fork: %s", strerror(errno));
	if (child->pid == 0)
		exec_child(options, input, out, child->err);
	close(input);
	if (out != child->out)
		close(out);
	return child;
}

pid_t child__pid(const struct child *child)
{
	return child->pid;
}

void child__send(struct child *child, const char *line)
{
	size_t size = strlen(line);

	if (write(child->stdin_writer, line, size) != (ssize_t)size)
		fail_msg("child %d does not listen: %s", child->pid, strerror(errno));
}

void child__close_stdin(struct child *child)
{
	if (child->stdin_writer >= 0)
		close(child->stdin_writer);
	child->stdin_writer = -1;
}

bool child__is_running(struct child *child)
{
	if (!child->reaped && waitpid(child->pid, &child->wait_status, WNOHANG) == child->pid)
		child->reaped = true;
	return !child->reaped;
}

static char *read_all(int fd, size_t *size)
{
	struct stat status;
	char *content;
	ssize_t n;

	if (fstat(fd, &status) != 0)
		fail_msg("fstat: %s", strerror(errno));
	/* No test here makes more output than this. */
	if (status.st_size > (64 << 20))
		fail_msg("a child wrote %lld bytes", (long long)status.st_size);
	content = malloc((size_t)status.st_size + 1);
	assert_non_null(content);
	n = pread(fd, content, (size_t)status.st_size, 0);
	if (n < 0)
		n = 0;
	content[n] = '\0';
	*size = (size_t)n;
	return content;
}

static char *read_path(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *content;

	if (fd < 0)
		return NULL;
	content = read_all(fd, size);
	close(fd);
	return content;
}

/* The complete lines of a report; a line that is no JSON object fails the test. */
static json_t *parse_lines(const char *content)
{
	json_t *events = json_array();

	while (content && *content) {
		size_t length = strcspn(content, "\n");
		json_error_t error;
		json_t *event;

		if (content[length] != '\n')
			break;
		event = json_loadb(content, length, JSON_REJECT_DUPLICATES, &error);
		if (!event || !json_is_object(event))
			fail_msg("not a JSON object (%s): %.*s", error.text, (int)length, content);
		json_array_append_new(events, event);
		content += length + 1;
	}
	return events;
}

static struct run *collect(struct child *child)
{
	struct run *run = calloc(1, sizeof(*run));

	assert_non_null(run);
	run->pid = child->pid;
	run->wall_s = now_s() - child->started_s;
	run->wait_status = child->wait_status;
	run->exit_status = WIFEXITED(child->wait_status) ? WEXITSTATUS(child->wait_status) : -1;
	run->signal = WIFSIGNALED(child->wait_status) ? WTERMSIG(child->wait_status) : 0;
	run->out = read_all(child->out, &run->out_size);
	run->err = read_all(child->err, &run->err_size);
	if (child->report_path) {
		size_t size;
		char *content = read_path(child->report_path, &size);

		/* Nobody writes any more: a line without a newline was cut. */
		if (content && size && content[size - 1] != '\n')
			fail_msg("the report ends in the middle of a line: %s", content);
		run->events = parse_lines(content);
		free(content);
	}
	return run;
}

static void child__free(struct child *child)
{
	child__close_stdin(child);
	close(child->out);
	close(child->err);
	free(child->report_path);
	free(child);
}

static void print_file(const char *path)
{
	char text[4096];
	FILE *file = fopen(path, "re");
	size_t size = file ? fread(text, 1, sizeof(text), file) : 0;

	printf("%s: %.*s\n", path, (int)size, text);
	if (file)
		fclose(file);
}

/* Prints where a child hangs: for each thread its name, its system call and the kernel's frames. */
static void print_threads(pid_t pid)
{
	static const char *const files[] = { "comm", "wchan", "syscall", "stack" };
	char path[64];
	glob_t tasks;

	snprintf(path, sizeof(path), "/proc/%d/task/*", (int)pid);
	if (glob(path, 0, NULL, &tasks))
		return;
	for (size_t i = 0; i < tasks.gl_pathc; i++) {
		for (size_t j = 0; j < sizeof(files) / sizeof(files[0]); j++) {
			char file[128];

			snprintf(file, sizeof(file), "%s/%s", tasks.gl_pathv[i], files[j]);
			print_file(file);
		}
	}
	globfree(&tasks);
}

struct run *child__finish(struct child *child, double timeout_s)
{
	double end_s = now_s() + timeout_s;
	bool timed_out = false;
	struct run *run;
	long wait_ms = 1;

	while (child__is_running(child)) {
		if (now_s() > end_s) {
			timed_out = true;
			print_threads(child->pid);
			kill(child->pid, SIGKILL);
			waitpid(child->pid, &child->wait_status, 0);
			child->reaped = true;
			break;
		}
		pause_ms(wait_ms);
		if (wait_ms < 10)
			wait_ms++;
	}
	run = collect(child);
	run->timed_out = timed_out;
	child__free(child);
	return run;
}

static void wait_text(struct child *child, int fd, const char *wanted, unsigned int count,
		      double timeout_s)
{
	double end_s = now_s() + timeout_s;

	for (;;) {
		bool running = child__is_running(child);
		unsigned int found = 0;
		size_t size;
		char *content = read_all(fd, &size);
		const char *at = content;

		while ((at = strstr(at, wanted))) {
			found++;
			at++;
		}
		if (found >= count) {
			free(content);
			return;
		}
		if (!running || now_s() > end_s) {
			print_message("output so far:\n%s\n", content);
			free(content);
			fail_msg("child %d %s before it said \"%s\" %u times", child->pid,
				 running ? "was too slow" : "ended", wanted, count);
		}
		free(content);
		pause_ms(2);
	}
}

char *child__output(const struct child *child)
{
	size_t size;

	return read_all(child->out, &size);
}

void child__wait_output(struct child *child, const char *wanted, unsigned int count,
			double timeout_s)
{
	wait_text(child, child->out, wanted, count, timeout_s);
}

void child__wait_event(struct child *child, const char *event, unsigned int count, double timeout_s)
{
	double end_s = now_s() + timeout_s;

	for (;;) {
		bool running = child__is_running(child);
		struct run so_far = { .events = NULL };
		size_t size;
		char *content = read_path(child->report_path, &size);
		unsigned int found;

		so_far.events = parse_lines(content);
		free(content);
		found = count_events(&so_far, event);
		json_decref(so_far.events);
		if (found >= count)
			return;
		if (!running || now_s() > end_s) {
			content = read_all(child->err, &size);
			print_message("stderr so far:\n%s\n", content);
			free(content);
			fail_msg("tracer %d %s before it reported %u times \"%s\" (found %u)",
				 child->pid, running ? "was too slow" : "ended", count, event,
				 found);
		}
		pause_ms(5);
	}
}

struct run *harness__wait_orphan(pid_t pid, double timeout_s)
{
	double end_s = now_s() + timeout_s;
	struct run *run = calloc(1, sizeof(*run));

	assert_non_null(run);
	run->pid = pid;
	for (;;) {
		pid_t got = waitpid(pid, &run->wait_status, WNOHANG);

		if (got == pid)
			break;
		/* ECHILD: its parent has not ended yet. */
		if (now_s() > end_s) {
			run->timed_out = true;
			kill(pid, SIGKILL);
			break;
		}
		pause_ms(5);
	}
	run->exit_status = WIFEXITED(run->wait_status) ? WEXITSTATUS(run->wait_status) : -1;
	run->signal = WIFSIGNALED(run->wait_status) ? WTERMSIG(run->wait_status) : 0;
	return run;
}

void run__free(struct run *run)
{
	if (!run)
		return;
	free(run->out);
	free(run->err);
	json_decref(run->events);
	free(run);
}

void print_whole(const char *text)
{
	printf("%.8000s\n", text);
	fflush(stdout);
}

void print_json(const json_t *value)
{
	char *dump = json_dumps(value, JSON_COMPACT);

	print_whole(dump ? dump : "?");
	free(dump);
}

void run__print(const struct run *run)
{
	print_message("status %d, signal %d%s, %.2f s\n", run->exit_status, run->signal,
		      run->timed_out ? ", timed out" : "", run->wall_s);
	if (run->out_size)
		print_message("stdout: %.4000s\n", run->out);
	if (run->err_size)
		print_message("stderr: %.4000s\n", run->err);
	if (run->events) {
		print_message("report:\n");
		print_json(run->events);
	}
}

struct run *run_with(const struct child_options *options, double timeout_s)
{
	struct run *run = child__finish(child__start(options), timeout_s);

	if (run->timed_out) {
		run__print(run);
		fail_msg("%s did not end within %.0f s", options->argv[0], timeout_s);
	}
	return run;
}

struct run *run_plain(const char *const *argv)
{
	struct child_options options = { .argv = argv };

	return run_with(&options, RUN_TIMEOUT_S);
}
