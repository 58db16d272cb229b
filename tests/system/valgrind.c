// SPDX-License-Identifier: GPL-2.0
/* See valgrind.h. */
#include "valgrind.h"

#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_WORDS 32
/*
 * The tracer is the parent of the traced program, so a shell is the parent of the program in
 * Valgrind: bash keeps its parent's PID as text, and the PID of this program may have a digit less.
 */
#define BELOW_SHELL "/bin/sh", "-c", "\"$@\"; exit $?", "sh"

size_t valgrind__environment(const struct child_options *program, char **variables, size_t max)
{
	struct child_options options = *program;
	struct run *run;
	size_t n = 0;

	options.argv = ARGS(BELOW_SHELL, "/usr/bin/valgrind", "-q", "/usr/bin/env");
	run = run_with(&options, 60);
	if (run->exit_status == 0)
		for (char *line = strtok(run->out, "\n"); line && n + 1 < max;
		     line = strtok(NULL, "\n"))
			variables[n++] = strdup(line);
	run__free(run);
	return n;
}

static void drop_commas(char *content)
{
	char *to = content;

	for (; *content; content++)
		if (*content != ',' || !isdigit((unsigned char)content[1]))
			*to++ = *content;
	*to = '\0';
}

char *valgrind__take_log(const char *path)
{
	FILE *file = fopen(path, "r");
	char *content = NULL;
	size_t size = 0;

	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	if (getdelim(&content, &size, '\0', file) < 0) {
		free(content);
		content = strdup("");
	}
	fclose(file);
	unlink(path);
	drop_commas(content);
	return content;
}

/*
 * A breakpoint that another tracer on the machine puts into libc kills programs in Valgrind, which
 * reads it as the program's own code.
 */
static struct run *run_undisturbed(const struct child_options *options)
{
	struct run *run = run_with(options, 300);

	for (int i = 0; i < 20 && (run->signal == SIGTRAP || run->exit_status == 128 + SIGTRAP);
	     i++) {
		run__free(run);
		sleep(1);
		run = run_with(options, 300);
	}
	return run;
}

static size_t append(const char **argv, size_t n, const char *const *more)
{
	for (; *more; more++) {
		assert_in_range(n, 0, MAX_WORDS - 2);
		argv[n++] = *more;
	}
	return n;
}

/* The log is not in the program's folder: make reads that, and allocates for each file in it. */
struct run *valgrind__run(const struct child_options *program, const char *log,
			  const char *const *more)
{
	const char *argv[MAX_WORDS] = { BELOW_SHELL, "/usr/bin/valgrind", "--run-libc-freeres=no",
					"--run-cxx-freeres=no", "--trace-children=no" };
	struct child_options options = *program;
	char log_file[4200];
	size_t n = 0;

	snprintf(log_file, sizeof(log_file), "--log-file=%s", log);
	while (argv[n])
		n++;
	argv[n++] = log_file;
	n = append(argv, n, more);
	append(argv, n, program->argv);
	options.argv = argv;
	return run_undisturbed(&options);
}

struct run *valgrind__count(const struct child_options *program, struct heap_counts *heap)
{
	const char *path = scratch("valgrind.log"), *in_use, *total;
	struct run *run = valgrind__run(program, path, ARGS("--child-silent-after-fork=yes"));
	char *log = valgrind__take_log(path);

	in_use = strstr(log, "in use at exit: ");
	total = strstr(log, "total heap usage: ");
	if (!in_use || !total ||
	    sscanf(in_use, "in use at exit: %lld bytes in %lld", &heap->held_bytes,
		   &heap->held_blocks) != 2 ||
	    sscanf(total, "total heap usage: %lld allocs, %lld frees, %lld", &heap->allocations,
		   &heap->frees, &heap->allocated_bytes) != 3)
		fail_msg("Valgrind's log says no sums:\n%s", log);
	free(log);
	return run;
}

/* Valgrind writes one log for each process; the log of a copy that went on by exec has no sums. */
static void read_logs(struct held_list *list)
{
	glob_t logs;

	assert_int_equal(glob(scratch("family.*"), 0, NULL, &logs), 0);
	for (size_t i = 0; i < logs.gl_pathc; i++) {
		char *log = valgrind__take_log(logs.gl_pathv[i]);
		const char *in_use;
		long long bytes, blocks;

		in_use = strstr(log, "in use at exit: ");
		if (in_use &&
		    sscanf(in_use, "in use at exit: %lld bytes in %lld", &bytes, &blocks) == 2)
			held_list__add(list, bytes, blocks);
		free(log);
	}
	globfree(&logs);
}

pid_t valgrind__count_family(const struct child_options *program, struct held_list *list)
{
	struct run *run =
		valgrind__run(program, scratch("family.%p"), ARGS("--child-silent-after-fork=no"));
	pid_t pid = run->pid;

	run__free(run);
	read_logs(list);
	return pid;
}
