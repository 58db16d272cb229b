/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The process that calls ptrace. It is one of its own since ptrace belongs to a thread, and a
 * tracer that waits for its command would see all stops of it. It ends, and lets everything go,
 * when the tracer ends or closes the control socket.
 */
#ifndef TRACING_PROCESS_H
#define TRACING_PROCESS_H

#include <stdbool.h>

/* As ps shows it; the kernel takes 15 bytes. */
#define TRACING_PROCESS_NAME "memleak-ptrace"

/*
 * Called by exit_watch.c in a process that was just forked. Serves the requests of
 * watch_messages.h. tracer_fd: a pidfd of the tracer, or -1. follow: children are watched too.
 */
void tracing_process__run(int control_fd, int bell_fd, int tracer_fd, bool follow)
	__attribute__((noreturn));

#endif
