/* SPDX-License-Identifier: GPL-2.0 */
/* The files that the tracer holds open, to read the names of their functions. */
#ifndef OPEN_FILES_H
#define OPEN_FILES_H

#include "harness.h"

/* The process's descriptors of files whose path begins so. */
unsigned int count_descriptors(pid_t pid, const char *path);
/*
 * Waits until the tracer has opened the program for its names. It has the program's unwind table by
 * then, so that stacks are whole from now on.
 */
void wait_until_known(const struct child *tracer, const char *path);

#endif
