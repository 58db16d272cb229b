// SPDX-License-Identifier: GPL-2.0
/* See thread_status.h. The texts are /proc/TID/status and /proc/TID/syscall. */
#include "leaks/thread_status.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Fields are about 1.5 KiB; a process in thousands of groups loses the last ones. */
#define STATUS_BYTES 8192

static ssize_t read_text(pid_t tid, const char *name, char *text, size_t size)
{
	char path[64];
	ssize_t nr;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)tid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	nr = read(fd, text, size - 1);
	close(fd);
	if (nr >= 0)
		text[nr] = '\0';
	return nr;
}

/* The text after a field's name, or "". The kernel escapes a newline in a process's name. */
static const char *find_field(const char *text, const char *field)
{
	const char *found = strstr(text, field);

	return found ? found + strlen(field) : "";
}

int thread_status__read(pid_t tid, struct thread_status *status)
{
	char text[STATUS_BYTES];
	uint64_t pending;

	if (read_text(tid, "status", text, sizeof(text)) <= 0)
		return -ESRCH;
	pending = strtoull(find_field(text, "\nSigPnd:\t"), NULL, 16);
	*status = (struct thread_status){
		.tgid = (pid_t)strtol(find_field(text, "\nTgid:\t"), NULL, 10),
		.tracer = (pid_t)strtol(find_field(text, "\nTracerPid:\t"), NULL, 10),
		.state = *find_field(text, "\nState:\t"),
		.killed = (pending >> (SIGKILL - 1)) & 1,
		.handled = strtoull(find_field(text, "\nSigCgt:\t"), NULL, 16),
		.dumps_core = *find_field(text, "\nCoreDumping:\t") == '1',
	};
	return 0;
}

bool thread_status__in_exec(pid_t tid)
{
	char text[256], *end;
	long number;

	/* "running" when it does not wait. */
	if (read_text(tid, "syscall", text, sizeof(text)) <= 0)
		return false;
	number = strtol(text, &end, 10);
	return end != text && (number == SYS_execve || number == SYS_execveat);
}
