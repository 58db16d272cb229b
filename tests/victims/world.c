// SPDX-License-Identifier: GPL-2.0
/*
 * Prints what a program inherits: arguments, environment, open files, signal state, limits, ids.
 * A traced command must see the very same world as an untraced one.
 */
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "truth.h"

extern char **environ;

static void print_status(void)
{
	static const char *const wanted[] = {
		"SigBlk:",	 "SigIgn:", "SigCgt:", "ShdPnd:",     "CapInh:",  "CapPrm:",
		"CapEff:",	 "CapBnd:", "CapAmb:", "NoNewPrivs:", "Seccomp:", "TracerPid:",
		"Cpus_allowed:", "Uid:",    "Gid:",    "Groups:"
	};
	FILE *status = fopen("/proc/self/status", "r");
	char line[1024];

	if (!status)
		die("status");
	while (fgets(line, sizeof(line), status))
		for (unsigned int i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
			if (!strncmp(line, wanted[i], strlen(wanted[i])))
				fputs(line, stdout);
	fclose(status);
}

int main(int argc, char **argv)
{
	char cwd[4096];
	mode_t mask = umask(0);

	/* This must come before anything here opens a file. */
	for (int fd = 0; fd < 1024; fd++) {
		int flags = fcntl(fd, F_GETFD);

		if (flags >= 0)
			printf("fd %d status flags %o\n", fd, fcntl(fd, F_GETFL));
	}
	for (int i = 0; i < argc; i++)
		printf("argument %s\n", argv[i]);
	for (char **variable = environ; *variable; variable++)
		printf("environment %s\n", *variable);
	printf("cwd %s\numask %o\n", getcwd(cwd, sizeof(cwd)), (unsigned int)mask);
	printf("nice %d policy %d\n", getpriority(PRIO_PROCESS, 0), sched_getscheduler(0));
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		struct rlimit limit;

		if (!getrlimit(i, &limit))
			printf("limit %d %llu %llu\n", i, (unsigned long long)limit.rlim_cur,
			       (unsigned long long)limit.rlim_max);
	}
	printf("session is parent's: %d\n", getsid(0) == getsid(getppid()));
	printf("group is parent's: %d\n", getpgrp() == getpgid(getppid()));
	print_status();
	return 0;
}
