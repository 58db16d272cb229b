/* SPDX-License-Identifier: GPL-2.0 */
/* How long a system call of another thread may wait, from its arguments. */
#ifndef CALL_TIMEOUT_H
#define CALL_TIMEOUT_H

#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

#define CALL_TIMEOUT_NEVER UINT64_MAX

struct call_timeout {
	uint64_t ns; /* of the whole call, or CALL_TIMEOUT_NEVER */
	int64_t result; /* what the call returns when it is over: 0 or -errno */
};

/*
 * registers: of a thread that stopped in the call. Only calls that a stop ends with EINTR are
 * known; others wait for ever, as it seems here. Returns 0, or -errno when it has a timeout that
 * can't be read.
 */
int call_timeout__find(pid_t tgid, pid_t tid, const struct user_regs_struct *registers,
		       struct call_timeout *timeout);

#endif
