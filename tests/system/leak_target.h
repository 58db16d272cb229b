/* SPDX-License-Identifier: GPL-2.0 */
/* The victim leak_daemon, a process that is checked for leaks while it runs. */
#ifndef LEAK_TARGET_H
#define LEAK_TARGET_H

#include "harness.h"

struct leak_target {
	struct child *child;
	unsigned int nr_answers;
};

/* Starts it, and waits until it is ready. */
struct leak_target leak_target__start(void);
/* Gives a command, such as "leak 3", and waits until it was obeyed. */
void leak_target__tell(struct leak_target *target, const char *command);
/* The work that its threads have done. */
unsigned long leak_target__work(struct leak_target *target);
/* Asserts that it works on, that it is not stopped, and that nobody traces it. */
void leak_target__assert_free(struct leak_target *target);
/* Ends it, and asserts that it ended as it was told to. */
void leak_target__end(struct leak_target *target);

/*
 * Asserts that a report of it says that so many blocks were lost by "leak", each with another, and
 * nothing else.
 */
void leak_target__assert_lost(const json_t *record, long long planted);

/* The value of a line of /proc/PID/status, such as "TracerPid"; good until the next call. */
const char *process_status(pid_t pid, const char *name);

#endif
