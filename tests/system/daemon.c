// SPDX-License-Identifier: GPL-2.0
/* See daemon.h. */
#include "daemon.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct child *start_daemon(const char *name)
{
	const char *argv[] = { victim(name), NULL };
	struct child_options options = { .argv = argv, .stdin_pipe = true };
	struct child *daemon = child__start(&options);

	child__wait_output(daemon, "ready\n", 1, 30);
	return daemon;
}

void end_daemon(struct child *daemon)
{
	struct run *run;

	child__send(daemon, "exit 33\n");
	run = child__finish(daemon, 30);
	assert_int_equal(run->exit_status, 33);
	run__free(run);
}

const char *pid_text(const struct child *child)
{
	static char buffer[16];

	snprintf(buffer, sizeof(buffer), "%d", child__pid(child));
	return buffer;
}

void make_folder(const char *path)
{
	if (mkdir(path, 0755) && errno != EEXIST)
		fail_msg("%s: %s", path, strerror(errno));
}

void wait_for_file(const char *path)
{
	double end_s = now_s() + 30;

	while (access(path, F_OK)) {
		if (now_s() > end_s)
			fail_msg("%s did not appear", path);
		pause_ms(2);
	}
}

static char *read_text(const char *path)
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
	return content;
}

json_t *records_in(const char *path)
{
	char *content = read_text(path), *rest = content, *line;
	json_t *records = json_array();

	assert_true(!*content || content[strlen(content) - 1] == '\n');
	while ((line = strsep(&rest, "\n")) && (rest || *line)) {
		json_t *record = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

		if (!record)
			fail_msg("%s: not a JSON record: %s", path, line);
		json_array_append_new(records, record);
	}
	free(content);
	return records;
}

unsigned int count_in(const char *path, const char *event)
{
	struct run run = { .events = records_in(path) };
	unsigned int n = count_events(&run, event);

	json_decref(run.events);
	return n;
}
