/* SPDX-License-Identifier: GPL-2.0 */
/* The resident set of a process that runs, as /proc/PID/status has it. */
#ifndef RESIDENT_H
#define RESIDENT_H

#include <stdio.h>
#include <sys/types.h>

#include "base/figure.h"

/* Bytes. The kernel keeps these per CPU and adds them up roughly: they can be some pages off. */
struct resident {
	figure anon_bytes, file_bytes, shmem_bytes;
	figure swap_bytes; /* of anonymous memory, not resident */
};

/* What cannot be read is unknown. */
struct resident resident__read(pid_t tgid);
/* The same, of a text. */
struct resident resident__parse(FILE *status);

#endif
