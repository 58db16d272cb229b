/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Runs work that SIGKILL must not interrupt. When a fatal signal comes while the kernel is putting
 * breakpoints into a process, the kernel gives up. Its clean-up gives up for the same signal
 * ("failed to unregister, leaking uprobe"), and the breakpoints stay. So the work runs in a process
 * of its own that shares our memory and files. If the tracer is killed, that process still
 * finishes, and its end closes the files.
 */
#ifndef SHIELD_H
#define SHIELD_H

/* Runs work(context), which must return, and returns what it returned. */
int shield__run(int (*work)(void *context), void *context);

#endif
