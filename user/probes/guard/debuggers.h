/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Warnings about other debuggers. A debugger that sets a breakpoint where we probe takes our
 * breakpoint for the original byte. Its own breakpoint never fires; and if the debugger removes it
 * after our probes are gone, it restores ours, which ends the process by SIGTRAP. A debugger that
 * set its breakpoint before us removes our probe with it. The tracer can't undo either, so it
 * warns.
 */
#ifndef DEBUGGERS_H
#define DEBUGGERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Warns in one line if any of these processes (or any process at all, if tgids is NULL) has a
 * debugger. ending: probes are about to be removed, rather than attached.
 */
void debuggers__warn(const pid_t *tgids, size_t nr, bool ending);

#endif
