// SPDX-License-Identifier: GPL-2.0
/* See weight.h. */
#include "weight.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * An interrupt in the teardown frees, in the process's name, memory that others left to RCU, such
 * as page tables: 72 frames were seen while processes came and went. The slack must be too small to
 * hide that frames are counted twice.
 */
#define SLACK_BYTES (2LL << 20)

static const char *after_last(const char *output, const char *mark)
{
	const char *found = NULL;

	for (const char *at = strstr(output, mark); at; at = strstr(at + 1, mark))
		found = at;
	if (!found)
		fail_msg("nothing begins with \"%s\" in: %.4000s", mark, output);
	return found + strlen(mark);
}

static long long kib_line(const char *content, const char *name)
{
	char line[64];
	const char *at;

	snprintf(line, sizeof(line), "\n%s:", name);
	at = strstr(content, line);
	if (!at)
		fail_msg("no \"%s\" in: %.4000s", name, content);
	return atoll(at + strlen(line)) * 1024;
}

static struct weight parse(const char *content)
{
	return (struct weight){
		.resident_bytes = kib_line(content, "Rss"),
		.anon_bytes = kib_line(content, "Anonymous"),
		.huge_bytes = kib_line(content, "AnonHugePages"),
		.swap_bytes = kib_line(content, "Swap"),
		.page_table_bytes = kib_line(content, "VmPTE"),
		.virtual_bytes = kib_line(content, "VmSize"),
	};
}

struct weight weight_printed(const char *output)
{
	return parse(after_last(output, "weighed\n"));
}

struct weight nth_weight_printed(const char *output, unsigned int n)
{
	const char *mark = "weighed\n", *at = strstr(output, mark);

	while (at && n--)
		at = strstr(at + 1, mark);
	assert_non_null(at);
	return parse(at + strlen(mark));
}

static size_t append_file(char *buffer, size_t used, size_t size, pid_t pid, const char *name)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail_msg("%s is not there", path);
	n = read(fd, buffer + used, size - used - 1);
	close(fd);
	assert_true(n > 0);
	buffer[used + (size_t)n] = '\0';
	return used + (size_t)n;
}

struct weight weight_of(pid_t pid)
{
	char content[16384];
	size_t used = append_file(content, 0, sizeof(content), pid, "status");

	append_file(content, used, sizeof(content), pid, "smaps_rollup");
	return parse(content);
}

pid_t pid_after(const char *output, const char *word)
{
	return (pid_t)atoi(after_last(output, word));
}

static void make_command(const char **argv, size_t size, const char *const *words)
{
	size_t n = 1;

	argv[0] = victim("weigh");
	for (; *words; words++) {
		assert_true(n + 1 < size);
		argv[n++] = *words;
	}
	argv[n] = NULL;
}

struct run *run_weigh(const char *const *options, const char *const *words)
{
	const char *command[16];
	struct run *run;

	make_command(command, 16, words);
	run = trace(options, command);
	if (run->exit_status)
		run__print(run);
	assert_int_equal(run->exit_status, 0);
	return run;
}

struct child *start_weigh(const char *const *words, pid_t *pid)
{
	const char *options[16] = { "--" };
	struct child *tracer;
	char *output;

	make_command(options + 1, 15, words);
	tracer = start_tracer(options);
	child__wait_output(tracer, "waiting ", 1, RUN_TIMEOUT_S);
	output = child__output(tracer);
	*pid = pid_after(output, "waiting ");
	free(output);
	return tracer;
}

static void assert_figure(const json_t *record, const char *name, long long expected)
{
	long long told = number(record, name);

	if (told != expected)
		fail_msg("%s is %lld, and %lld by the kernel: %lld pages less", name, told,
			 expected, (expected - told) / sysconf(_SC_PAGESIZE));
}

void assert_figures(const json_t *record, const struct weight *weight, long long shared_bytes)
{
	assert_figure(record, "reclaimed.rss_anon_bytes", weight->anon_bytes);
	assert_figure(record, "reclaimed.rss_shmem_bytes", shared_bytes);
	assert_figure(record, "reclaimed.rss_file_bytes",
		      weight->resident_bytes - weight->anon_bytes - shared_bytes);
	assert_figure(record, "reclaimed.swap_bytes", weight->swap_bytes);
	assert_figure(record, "reclaimed.page_table_bytes", weight->page_table_bytes);
	assert_figure(record, "reclaimed.virtual_bytes", weight->virtual_bytes);
}

void assert_weight(const json_t *record, const struct weight *weight, long long shared_bytes)
{
	assert_figures(record, weight, shared_bytes);
	assert_reclaimed(record);
}

bool assert_frames(const json_t *record)
{
	/*
	 * Swapped pages may still have been in the swap cache. Shared memory is freed with its last
	 * file, after the teardown.
	 */
	long long counted = number(record, "reclaimed.rss_anon_bytes") +
			    number(record, "reclaimed.swap_bytes") +
			    number(record, "reclaimed.page_table_bytes");

	if (is_null(record, "reclaimed.freed_page_bytes"))
		return false;
	/* assert_reclaimed checks that not too few came back. */
	if (number(record, "reclaimed.freed_page_bytes") > counted + SLACK_BYTES)
		fail_msg("%lld bytes of frames came back of %lld that it had",
			 number(record, "reclaimed.freed_page_bytes"), counted);
	return true;
}
