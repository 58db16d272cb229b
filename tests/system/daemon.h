/* SPDX-License-Identifier: GPL-2.0 */
/* A daemon to be traced by -p (the victim obey), and files that reports are found in. */
#ifndef DAEMON_H
#define DAEMON_H

#include "harness.h"

/* name: obey, or a variant of it. It is ready. */
struct child *start_daemon(const char *name);
void end_daemon(struct child *daemon);
/* For -p; good until the next call. */
const char *pid_text(const struct child *child);

/* It may be there already. */
void make_folder(const char *path);
void wait_for_file(const char *path);
/* The records of a report, each line of which must be a whole one. */
json_t *records_in(const char *path);
unsigned int count_in(const char *path, const char *event);

#endif
