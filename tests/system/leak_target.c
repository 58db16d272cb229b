// SPDX-License-Identifier: GPL-2.0
/* See leak_target.h. */
#include "leak_target.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "leak_oracle.h"

#define ANSWER_S 60

struct leak_target leak_target__start(void)
{
	struct child_options options = { .argv = ARGS(victim("leak_daemon")), .stdin_pipe = true };
	struct leak_target target = { .child = child__start(&options) };

	child__wait_output(target.child, "ready\n", 1, ANSWER_S);
	return target;
}

void leak_target__tell(struct leak_target *target, const char *command)
{
	child__send(target->child, words("%s\n", command));
	child__wait_output(target->child, "ok\n", ++target->nr_answers, ANSWER_S);
}

unsigned long leak_target__work(struct leak_target *target)
{
	unsigned long work = 0;
	const char *last = NULL;
	char *output;

	leak_target__tell(target, "count");
	output = child__output(target->child);
	for (const char *at = output; (at = strstr(at, "count ")); at++)
		last = at;
	if (!last || sscanf(last, "count %lu", &work) != 1)
		fail_msg("the daemon does not count: %s", output);
	free(output);
	return work;
}

const char *process_status(pid_t pid, const char *name)
{
	static char line[256];
	size_t length = strlen(name);
	FILE *status = fopen(words("/proc/%d/status", (int)pid), "r");

	while (status && fgets(line, sizeof(line), status)) {
		if (strncmp(line, name, length) != 0 || line[length] != ':')
			continue;
		fclose(status);
		line[strcspn(line, "\n")] = '\0';
		return line + length + 1 + strspn(line + length + 1, " \t");
	}
	if (status)
		fclose(status);
	return "";
}

static bool is_stopped(pid_t tid)
{
	char state = *process_status(tid, "State");

	return state == 'T' || state == 't';
}

/* Its threads come and go: one that is gone counts as neither stopped nor traced. */
static bool is_held(pid_t pid)
{
	DIR *tasks = opendir(words("/proc/%d/task", (int)pid));
	struct dirent *entry;
	bool held = false;

	assert_non_null(tasks);
	while (!held && (entry = readdir(tasks))) {
		pid_t tid = atoi(entry->d_name);
		const char *tracer;

		if (tid <= 0)
			continue;
		tracer = process_status(tid, "TracerPid");
		held = *tracer && strcmp(tracer, "0") != 0;
		held = held || is_stopped(tid);
	}
	closedir(tasks);
	return held;
}

void leak_target__assert_free(struct leak_target *target)
{
	pid_t pid = child__pid(target->child);
	double end_s = now_s() + 10;
	unsigned long before;

	while (is_held(pid) && now_s() < end_s)
		pause_ms(10);
	if (is_held(pid))
		fail_msg("process %d is held: state %s", (int)pid, process_status(pid, "State"));
	before = leak_target__work(target);
	end_s = now_s() + 10;
	while (leak_target__work(target) == before) {
		if (now_s() > end_s)
			fail_msg("process %d does not go on", (int)pid);
		pause_ms(10);
	}
}

void leak_target__assert_lost(const json_t *record, long long planted)
{
	struct leak_counts counts = leak_counts__of(record);

	if (counts.of[LEAK_DEFINITE].blocks == planted &&
	    counts.of[LEAK_DEFINITE].bytes == 1000 * planted &&
	    counts.of[LEAK_INDIRECT].blocks == planted &&
	    counts.of[LEAK_INDIRECT].bytes == 500 * planted)
		return;
	print_json(record);
	fail_msg("%lld blocks are lost, and %lld with them; the process lost %lld",
		 counts.of[LEAK_DEFINITE].blocks, counts.of[LEAK_INDIRECT].blocks, planted);
}

void leak_target__end(struct leak_target *target)
{
	struct run *run;

	child__send(target->child, "exit 33\n");
	run = child__finish(target->child, ANSWER_S);
	assert_int_equal(run->exit_status, 33);
	run__free(run);
}
