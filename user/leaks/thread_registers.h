/* SPDX-License-Identifier: GPL-2.0 */
/* The registers of a thread that stands in a ptrace-stop of ours. */
#ifndef THREAD_REGISTERS_H
#define THREAD_REGISTERS_H

#include <stdbool.h>
#include <sys/types.h>

#include "leaks/paused_process.h"

/* Returns 0, or -errno: -ESRCH when a SIGKILL has made the thread go on. */
int thread_registers__read(pid_t tid, struct paused_thread *thread);

/* Does the thread end by a call that ends only itself? */
bool thread_registers__ends_alone(pid_t tid);

#endif
