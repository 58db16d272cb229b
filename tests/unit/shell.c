// SPDX-License-Identifier: GPL-2.0
/* See shell.h. */
#include "shell.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

char shell__output[16384];
static char folder[] = "/tmp/memleak-unit.XXXXXX";

int shell__run(const char *command)
{
	FILE *pipe = popen(command, "r");
	size_t size;
	int status;

	if (!pipe)
		return -1;
	size = fread(shell__output, 1, sizeof(shell__output) - 1, pipe);
	shell__output[size] = '\0';
	status = pclose(pipe);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int shell__make_folder(void)
{
	return mkdtemp(folder) ? setenv("FOLDER", folder, 1) : -1;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *place)
{
	(void)status;
	(void)type;
	(void)place;
	return remove(path);
}

int shell__remove_folder(void)
{
	return nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
