/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Debuggers beside us. One that sets a breakpoint where we probe takes ours for the byte that was
 * there before: its own never fires, and when it takes it out after our probes are gone, it leaves
 * ours in, which ends the process by SIGTRAP. One that set its own before us takes our probe out.
 * Neither can be undone from here, so it is said.
 */
#ifndef DEBUGGERS_H
#define DEBUGGERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The process that traces it by ptrace, or 0. */
pid_t debuggers__of(pid_t tgid);

/*
 * Warns of the debuggers of these processes, or of any process (tgids NULL), in one line: while
 * probes are about to be attached (ending: false), or about to be taken away.
 */
void debuggers__warn(const pid_t *tgids, size_t nr, bool ending);

#endif
