// SPDX-License-Identifier: GPL-2.0
/* See living_thread.h. Called before anything below /proc/PID is opened. */
#include "base/living_thread.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Reading /proc/TID/exe fails with ENOENT only for a thread without memory. */
static bool has_memory(pid_t tid)
{
	char path[64], byte;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)tid);
	return readlink(path, &byte, sizeof(byte)) > 0 || errno != ENOENT;
}

pid_t living_thread__of(pid_t tgid)
{
	pid_t living = tgid;
	struct dirent *entry;
	char path[64];
	DIR *threads;

	if (has_memory(tgid))
		return tgid;
	snprintf(path, sizeof(path), "/proc/%d/task", (int)tgid);
	threads = opendir(path);
	if (!threads)
		return tgid;
	while (living == tgid && (entry = readdir(threads))) {
		pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (tid > 0 && has_memory(tid))
			living = tid;
	}
	closedir(threads);
	return living;
}

bool living_thread__leader_left(pid_t tgid)
{
	return living_thread__of(tgid) != tgid;
}
