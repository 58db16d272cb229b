/* SPDX-License-Identifier: GPL-2.0 */
/*
 * SIGHUP means one of two things: the terminal has gone, or somebody asks a daemon to open its
 * files anew.
 */
#ifndef HANGUP_H
#define HANGUP_H

#include <stdbool.h>

/* Whether this process has a controlling terminal. One that hung up is none. */
bool hangup__has_terminal(void);

/*
 * Whether SIGHUP is somebody's request. code: the signal's si_code; had_terminal, has_terminal:
 * when the process began, and now. The code does not suffice: a shell whose terminal hangs up sends
 * SIGHUP to its jobs as any process would.
 */
bool hangup__is_request(int code, bool had_terminal, bool has_terminal);

#endif
