/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The capabilities that the work needs, and which of them are missing. No check asks for the user
 * id: root can be left without some capabilities, and other users can have them.
 */
#ifndef PRIVILEGES_H
#define PRIVILEGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The planned work; a capability is asked for only if some of the work needs it. */
enum privilege_use {
	PRIVILEGE_TRACE = 1 << 0, /* always: nothing works without these */
	PRIVILEGE_GUARDED_PERF = 1 << 1, /* perf events, if the kernel restricts them */
	PRIVILEGE_BECOME_USER = 1 << 2, /* -u: to become the user, and to pass signals on */
	PRIVILEGE_FOREIGN_FILES = 1 << 3, /* files of other users, and files without a name */
	PRIVILEGE_GUARD = 1 << 4, /* guarding processes of all users from the probes */
	PRIVILEGE_HOLD = 1 << 6, /* --hold-new: to let processes of all users go on */
};

/* The effective capabilities of this process, one bit each; 0 when they can't be read. */
uint64_t privileges__effective(void);

/*
 * Writes to missing the names of the capabilities that uses (of enum privilege_use) needs and
 * capabilities lacks, such as "CAP_BPF, CAP_PERFMON". Returns their number.
 */
unsigned int privileges__missing(uint64_t capabilities, unsigned int uses, char *missing,
				 size_t size);

/* Returns 0, or -EPERM when a capability is missing, with one line in error. */
int privileges__check(uint64_t capabilities, unsigned int uses, bool root, char *error,
		      size_t error_size);

/*
 * In a user namespace, capabilities look as usual but don't allow tracing. Returns 0, or -EPERM
 * with one line in error.
 */
int privileges__check_namespace(char *error, size_t error_size);

/*
 * Makes a capability ineffective for now. Returns whether it was effective before and no longer is.
 * Then it can be taken back, or dropped for good by this process and all that it starts.
 */
bool privileges__set_aside(int capability);
int privileges__take_back(int capability);
int privileges__drop(int capability);

#endif
