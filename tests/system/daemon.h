/* SPDX-License-Identifier: GPL-2.0 */
/* A daemon to be traced by -p (the victim obey), and the files that reports are read from. */
#ifndef DAEMON_H
#define DAEMON_H

#include "harness.h"

/* Starts a daemon and waits until it is ready. name: obey, or a variant of it. */
struct child *start_daemon(const char *name);
void end_daemon(struct child *daemon);
/* The PID for -p; good until the next call. */
const char *pid_text(const struct child *child);

/* The folder may exist already. */
void make_folder(const char *path);
void wait_for_file(const char *path);
/* The records of a report; fails the test unless each line is a whole one. */
json_t *records_in(const char *path);
unsigned int count_in(const char *path, const char *event);

#endif
