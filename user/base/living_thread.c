// SPDX-License-Identifier: GPL-2.0
/* See living_thread.h. Called before anything below /proc/PID is opened. */
#include "base/living_thread.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* "TID (COMM) STATE …": a comm may hold parentheses. */
static bool is_dead(pid_t tgid, pid_t tid)
{
	char path[64], line[256], *state;
	FILE *stat;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", (int)tgid, (int)tid);
	stat = fopen(path, "re");
	if (!stat)
		return errno == ENOENT || errno == ESRCH;
	state = fgets(line, sizeof(line), stat) ? strrchr(line, ')') : NULL;
	fclose(stat);
	return !state || !strncmp(state, ") Z", 3) || !strncmp(state, ") X", 3);
}

bool living_thread__remains(pid_t tgid)
{
	bool remains = false;
	struct dirent *entry;
	char path[64];
	DIR *threads;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)tgid);
	threads = opendir(path);
	if (!threads)
		return false;
	while (!remains && (entry = readdir(threads))) {
		pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);

		remains = tid > 0 && !is_dead(tgid, tid);
	}
	closedir(threads);
	return remains;
}

bool living_thread__leader_left(pid_t tgid)
{
	return living_thread__of(tgid) != tgid;
}

FILE *living_thread__open(pid_t tgid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)living_thread__of(tgid), name);
	return fopen(path, "re");
}
