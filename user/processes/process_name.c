// SPDX-License-Identifier: GPL-2.0
/* See process_name.h. */
#include "processes/process_name.h"

#include <stdio.h>
#include <string.h>

void process_name__read(pid_t tgid, char *name, size_t size)
{
	char path[64];
	FILE *file;

	*name = '\0';
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)tgid);
	file = fopen(path, "re");
	if (!file)
		return;
	if (!fgets(name, (int)size, file))
		*name = '\0';
	name[strcspn(name, "\n")] = '\0';
	fclose(file);
}
