/* SPDX-License-Identifier: GPL-2.0 */
/* What /proc says of one thread of another process. */
#ifndef THREAD_STATUS_H
#define THREAD_STATUS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct thread_status {
	pid_t tgid;
	pid_t tracer; /* 0: nobody traces it */
	char state; /* as in /proc/TID/status: R, S, D, T, t, Z, X */
	bool killed; /* a SIGKILL waits for it: its process ends, or another thread's exec ends it */
	bool dumps_core; /* its process does */
	uint64_t handled; /* signals that have a handler: bit 0 is signal 1 */
};

/* Returns 0, or -ESRCH when there is no such thread. */
int thread_status__read(pid_t tid, struct thread_status *status);

/* Has it ended, though its number is still taken? */
static inline bool thread_status__is_dead(const struct thread_status *status)
{
	return status->state == 'Z' || status->state == 'X';
}

/* Does it wait in execve or execveat? */
bool thread_status__in_exec(pid_t tid);

#endif
