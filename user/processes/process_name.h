/* SPDX-License-Identifier: GPL-2.0 */
/* The name of a running process, as /proc/PID/comm has it. */
#ifndef PROCESS_NAME_H
#define PROCESS_NAME_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Reads up to the newline: names have none, but may have anything else. "": the process has ended.
 */
void process_name__read(pid_t tgid, char *name, size_t size);

#endif
