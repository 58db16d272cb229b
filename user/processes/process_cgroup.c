// SPDX-License-Identifier: GPL-2.0
/* See process_cgroup.h. Used by processes.c. */
#include "processes/process_cgroup.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/living_thread.h"

#define CGROUP_LINE_BYTES 4352
#define EXITING 0x4 /* PF_EXITING, in the flags of /proc/PID/stat */

/* The flags follow the name, which may contain anything, and six other fields. */
static bool is_exiting(pid_t tgid)
{
	FILE *file = living_thread__open(tgid, "stat");
	unsigned int flags = EXITING;
	char line[512], *name_end;

	if (!file)
		return true;
	if (fgets(line, sizeof(line), file)) {
		name_end = strrchr(line, ')');
		if (!name_end || sscanf(name_end + 1, " %*c %*d %*d %*d %*d %*d %u", &flags) != 1)
			flags = EXITING;
	}
	fclose(file);
	return flags & EXITING;
}

/*
 * A line is "hierarchy:controllers:path". The unified hierarchy (0) counts, unless the memory
 * controller is still on a hierarchy of its own. That one shows an exiting process in "/".
 */
char *process_cgroup__read(pid_t tgid)
{
	FILE *file = living_thread__open(tgid, "cgroup");
	char line[CGROUP_LINE_BYTES], *cgroup = NULL;
	bool memory = false;

	if (!file)
		return NULL;
	while (fgets(line, sizeof(line), file)) {
		char *controllers = strchr(line, ':');
		char *path = controllers ? strchr(controllers + 1, ':') : NULL;

		if (!path)
			continue;
		*path++ = '\0';
		path[strcspn(path, "\n")] = '\0';
		memory = strstr(controllers + 1, "memory") != NULL;
		if (!memory && strcmp(line, "0:") != 0)
			continue;
		free(cgroup);
		cgroup = strdup(path);
		if (memory)
			break;
	}
	fclose(file);
	if (memory && is_exiting(tgid)) {
		free(cgroup);
		return NULL;
	}
	return cgroup;
}
