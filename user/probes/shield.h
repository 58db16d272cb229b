/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Runs work that SIGKILL must not cut in two. A kernel that is putting breakpoints into a process
 * when a fatal signal comes gives up, and its own clean-up gives up for the same signal ("failed to
 * unregister, leaking uprobe"): the breakpoints stay. So the work runs in a process of its own that
 * shares our memory and files; should we be killed, it ends in peace, and its end closes the files.
 */
#ifndef SHIELD_H
#define SHIELD_H

/* Runs work(context), which must return, and returns what it returned. */
int shield__run(int (*work)(void *context), void *context);

#endif
