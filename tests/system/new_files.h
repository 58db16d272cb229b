/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files that are written while the whole system is traced, and what must be true of the processes
 * that run them.
 */
#ifndef NEW_FILES_H
#define NEW_FILES_H

#include "harness.h"

/* Runs cp: the file is written in place if it is there. */
void new_file__copy(const char *from, const char *to);

/*
 * Waits until the tracer has probed these files, which no process maps, as their leases show; paths
 * end with NULL. Goes on after some seconds if it has not: the report will tell.
 */
void new_files__wait_probed(const char *const *paths);

/* Whether probes are perf events, which take a second or two for each file. */
bool probes_are_slow(void);

/*
 * Skips where probes are slow, the kernel does not tell of the files that are written in the tests'
 * folder, or the folder's file system has no leases: memory file systems of older kernels.
 */
void new_files__skip_unless_watched(void);

/* What a program allocates by functions of its own. */
struct expected {
	struct truth truth;
	long long more_blocks; /* that libc may allocate for it, such as for dlmopen */
	const char *const *functions;
};

/* Of the victims family and family_static; the argument is "portable" or NULL. */
struct expected expect_family(const char *argument);
/* Of the victims leak64 and leak64_static. */
struct expected expect_leak64(void);

/*
 * Asserts that a process was seen from its first call: beside what is expected there are only the
 * few blocks that libc allocates for itself.
 */
void assert_from_birth(const json_t *record, const struct expected *expected);

/*
 * Asserts that a process was seen from its first call, or that its report says that it was not and
 * claims no more than there was. Functions are not looked at, as their names are those of what the
 * file is now.
 */
void assert_from_birth_or_late(const json_t *record, const struct expected *expected);

/* A tracer whose report a test can look at while it is written. */
struct watched_tracer {
	struct child *child;
	char report[4096];
};

void watched_tracer__start(struct watched_tracer *tracer, const char *const *options);
/* Waits until there is an exit record of that process and program; returns the seconds it took. */
double watched_tracer__wait_exit(const struct watched_tracer *tracer, pid_t pid, const char *comm);

#endif
