/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The capabilities that the work takes, and which of them are missing. Nothing here asks who runs
 * it: root can be left without some, and others can have them.
 */
#ifndef PRIVILEGES_H
#define PRIVILEGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is going to be done; a capability is asked for when something is that takes it. */
enum privilege_use {
	PRIVILEGE_TRACE = 1 << 0, /* always: without these nothing works */
	PRIVILEGE_GUARDED_PERF = 1 << 1, /* perf events, where the kernel guards them */
	PRIVILEGE_BECOME_USER = 1 << 2, /* -u: to become the user, and to pass signals on */
	PRIVILEGE_FOREIGN_FILES = 1 << 3, /* files of other users, and files without a name */
	PRIVILEGE_GUARD = 1 << 4, /* probes in processes of all users: to keep them from harm */
};

/* The effective capabilities of this process, a bit each; none when they can't be read. */
uint64_t privileges__effective(void);

/*
 * Writes the names of those that uses (of enum privilege_use) take and capabilities lack, such as
 * "CAP_BPF, CAP_PERFMON", to missing. Returns their number.
 */
unsigned int privileges__missing(uint64_t capabilities, unsigned int uses, char *missing,
				 size_t size);

/* One line that says so; returns 0, or -EPERM when one is missing. */
int privileges__check(uint64_t capabilities, unsigned int uses, bool root, char *error,
		      size_t error_size);

/* In a user namespace capabilities look as anywhere, and tracing takes none of them: 0 or -EPERM. */
int privileges__check_namespace(char *error, size_t error_size);

/*
 * Makes a capability ineffective for now. Returns whether it was effective and is not any more:
 * then it can be taken back, or be given up for good, by this process and all that it starts.
 */
bool privileges__set_aside(int capability);
int privileges__take_back(int capability);
int privileges__give_up(int capability);

#endif
