/* SPDX-License-Identifier: GPL-2.0 */
/* What waitpid says of a thread, and what follows from it. */
#ifndef THREAD_STOPS_H
#define THREAD_STOPS_H

#include "leaks/tracing_state.h"

/* Returns the process that the thread belongs to, NULL when it is none that is watched. */
struct watched_process *thread_stops__handle(struct tracing *tracing, pid_t tid, int status);

#endif
