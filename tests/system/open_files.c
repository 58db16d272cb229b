// SPDX-License-Identifier: GPL-2.0
/* See open_files.h. */
#include "open_files.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

unsigned int count_descriptors(pid_t pid, const char *path)
{
	char folder[64], link[128], target[4200];
	const struct dirent *entry;
	unsigned int nr = 0;
	ssize_t length;
	DIR *open_files;

	snprintf(folder, sizeof(folder), "/proc/%d/fd", pid);
	open_files = opendir(folder);
	assert_non_null(open_files);
	while ((entry = readdir(open_files))) {
		snprintf(link, sizeof(link), "%s/%.20s", folder, entry->d_name);
		length = readlink(link, target, sizeof(target) - 1);
		if (length <= 0)
			continue;
		target[length] = '\0';
		nr += !strncmp(target, path, strlen(path));
	}
	closedir(open_files);
	return nr;
}

void wait_until_known(const struct child *tracer, const char *path)
{
	char absolute[PATH_MAX];
	double until_s = now_s() + RUN_TIMEOUT_S;

	assert_non_null(realpath(path, absolute));
	while (!count_descriptors(child__pid(tracer), absolute)) {
		assert_true(now_s() < until_s);
		pause_ms(20);
	}
}
