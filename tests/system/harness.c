// SPDX-License-Identifier: GPL-2.0
/*
 * Where things lie, the setup and cleanup around each test, and the tracer's command lines.
 * Processes that a test starts, or that a killed tracer leaves, become our children and end with
 * the test.
 */
#include "harness.h"
#include "options.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_ARGUMENTS 64

static char build_dir[4000];
static char scratch_dir[64];
static unsigned int nr_reports;

/* ---- places ---- */

static char *next_path(void)
{
	static char paths[16][4096];
	static unsigned int next;

	return paths[next++ % 16];
}

const char *tracer_path(void)
{
	char *path = next_path();

	snprintf(path, 4096, "%s/memleak-bpf", build_dir);
	return path;
}

const char *victim(const char *name)
{
	char *path = next_path();

	snprintf(path, 4096, "%s/tests/victims/%s", build_dir, name);
	if (access(path, X_OK) != 0)
		fail_msg("%s: not built", path);
	return path;
}

const char *optional_victim(const char *name)
{
	char *path = next_path();

	snprintf(path, 4096, "%s/tests/victims/%s", build_dir, name);
	if (access(path, X_OK) != 0)
		SKIP("%s was not built: no tool for it where it was compiled", name);
	return path;
}

const char *scratch(const char *name)
{
	char *path = next_path();

	snprintf(path, 4096, "%s/%s", scratch_dir, name);
	return path;
}

bool have_program(const char *name)
{
	const char *path = getenv("PATH");
	char candidate[4096];

	while (path && *path) {
		size_t length = strcspn(path, ":");

		snprintf(candidate, sizeof(candidate), "%.*s/%s", (int)length, path, name);
		if (access(candidate, X_OK) == 0)
			return true;
		path += length + (path[length] == ':');
	}
	return false;
}

bool kernel_has(const char *feature)
{
	struct child_options options = { .argv = ARGS(tracer_path(), "--features", "--json") };
	struct run *run = run_with(&options, RUN_TIMEOUT_S);
	json_t *features = json_loads(run->out, 0, NULL);
	char path[64];
	bool has;

	snprintf(path, sizeof(path), "has.%s", feature);
	has = truth_value(features, path);
	json_decref(features);
	run__free(run);
	return has;
}

void skip_if_everybody_is_probed(const struct run *run)
{
	const char *forced = getenv("TRACER_OPTIONS");

	if (run->exit_status == STATUS_PRIVILEGE && strstr(run->err, "CAP_DAC_OVERRIDE") &&
	    ((forced && *forced) || !kernel_has("uprobe_session")))
		SKIP("probes are put into every process here, which takes CAP_DAC_OVERRIDE");
}

double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

unsigned int nr_cpus(void)
{
	return (unsigned int)sysconf(_SC_NPROCESSORS_CONF);
}

unsigned int scaled(unsigned int n)
{
	if (!getenv("EMULATED"))
		return n;
	return n < 10 ? 1 : n / 10;
}

const char *words(const char *format, ...)
{
	static char buffers[4][256];
	static unsigned int next;
	char *buffer = buffers[next++ % 4];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(buffer, sizeof(buffers[0]), format, arguments);
	va_end(arguments);
	return buffer;
}

unsigned int nr_busy_threads(void)
{
	return getenv("EMULATED") ? 3 : 8;
}

void pause_ms(long ms)
{
	struct timespec pause = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&pause, NULL);
}

/* ---- set-up ---- */

int harness__begin(void **state)
{
	const char *given = getenv("BUILD");
	(void)state;

	if (given) {
		if (!realpath(given, build_dir))
			return -1;
	} else {
		/* BUILD/tests/system/PROGRAM */
		ssize_t n = readlink("/proc/self/exe", build_dir, sizeof(build_dir) - 1);

		if (n <= 0)
			return -1;
		build_dir[n] = '\0';
		for (int i = 0; i < 3; i++) {
			char *slash = strrchr(build_dir, '/');

			if (!slash)
				return -1;
			*slash = '\0';
		}
	}
	strcpy(scratch_dir, "/tmp/memleak-test.XXXXXX");
	if (!mkdtemp(scratch_dir))
		return -1;
	/* Another user (-u) reads here too. */
	chmod(scratch_dir, 0755);
	/*
	 * Processes that a killed tracer leaves become our children, so that they can be ended by
	 * PID.
	 */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
		return -1;
	/* The end of a child must not end us when we write to its stdin. */
	signal(SIGPIPE, SIG_IGN);
	return 0;
}

static void remove_tree(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		char below[4096];

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
		if (unlink(below) != 0 && errno == EISDIR)
			remove_tree(below);
	}
	closedir(dir);
	rmdir(path);
}

int harness__end(void **state)
{
	(void)state;
	remove_tree(scratch_dir);
	return 0;
}

int harness__test_begin(void **state)
{
	(void)state;
	return 0;
}

/* The parent of a process, from /proc; 0 when it is gone. */
static pid_t parent_of(pid_t pid)
{
	char path[64], line[512];
	char *name_end;
	FILE *file;
	int parent = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	if (!file)
		return 0;
	if (fgets(line, sizeof(line), file)) {
		name_end = strrchr(line, ')');
		if (!name_end || sscanf(name_end + 1, " %*c %d", &parent) != 1)
			parent = 0;
	}
	fclose(file);
	return parent;
}

/* Kills one generation of our children; returns how many there were. */
static unsigned int kill_children(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	unsigned int found = 0;

	if (!proc)
		return 0;
	while ((entry = readdir(proc))) {
		pid_t pid = isdigit((unsigned char)entry->d_name[0]) ? atoi(entry->d_name) : 0;

		if (pid > 0 && parent_of(pid) == getpid()) {
			kill(pid, SIGKILL);
			found++;
		}
	}
	closedir(proc);
	return found;
}

int harness__test_end(void **state)
{
	(void)state;
	/* The children of killed ones become ours in turn, so look again until there are none. */
	for (int i = 0; i < 200 && kill_children(); i++) {
		pause_ms(5);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
	return 0;
}

/* ---- the tracer ---- */

/*
 * The default is one for each 8 KiB of memory. On a large machine, the kernel takes a third of the
 * tracer's start to make so large a map. The blocks of all other programs of the machine must find
 * room in it, too, when a test traces the whole system.
 */
#define ROOM_FOR_BLOCKS "1048576"

static void append(const char **argv, size_t *n, const char *const *more)
{
	for (; *more; more++) {
		assert_true(*n + 1 < MAX_ARGUMENTS);
		argv[(*n)++] = *more;
	}
	argv[*n] = NULL;
}

size_t tracer_words(const char **argv)
{
	static char words[256];
	const char *given = getenv("TRACER_OPTIONS");
	size_t n = 0;

	append(argv, &n, ARGS(tracer_path()));
	if (!getenv("EMULATED"))
		append(argv, &n, ARGS("--max-blocks", ROOM_FOR_BLOCKS));
	snprintf(words, sizeof(words), "%s", given ? given : "");
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
		append(argv, &n, ARGS(word));
	return n;
}

struct run *run_tracer(const char *const *options)
{
	const char *argv[MAX_ARGUMENTS];
	struct child_options child = { .argv = argv };
	size_t n = tracer_words(argv);

	append(argv, &n, options);
	return run_with(&child, RUN_TIMEOUT_S);
}

static const char *next_report_path(void)
{
	char name[32];

	snprintf(name, sizeof(name), "report%u.json", nr_reports++);
	return scratch(name);
}

struct run *trace(const char *const *options, const char *const *command)
{
	const char *report = next_report_path();
	const char *argv[MAX_ARGUMENTS];
	struct child_options child = { .argv = argv, .report_path = report };
	size_t n = tracer_words(argv);
	struct run *run;

	append(argv, &n, ARGS("--json", "-w", report));
	append(argv, &n, options);
	append(argv, &n, ARGS("--"));
	append(argv, &n, command);
	run = run_with(&child, RUN_TIMEOUT_S);
	if (!json_array_size(run->events)) {
		run__print(run);
		fail_msg("no report was written");
	}
	return run;
}

struct run *trace_all(const char *const *command)
{
	return trace(ARGS("-T", "1000000"), command);
}

struct child *start_tracer(const char *const *options)
{
	const char *report = next_report_path();
	const char *argv[MAX_ARGUMENTS];
	struct child_options child = { .argv = argv, .report_path = report };
	struct child *tracer;
	size_t n = tracer_words(argv);

	append(argv, &n, ARGS("--json", "-w", report));
	append(argv, &n, options);
	tracer = child__start(&child);
	child__wait_event(tracer, "start", 1, RUN_TIMEOUT_S);
	return tracer;
}

struct run *stop_tracer(struct child *tracer)
{
	struct run *run;

	kill(child__pid(tracer), SIGINT);
	run = child__finish(tracer, RUN_TIMEOUT_S);
	assert_false(run->timed_out);
	assert_int_equal(run->exit_status, 0);
	assert_int_equal(count_events(run, "total"), 1);
	return run;
}
