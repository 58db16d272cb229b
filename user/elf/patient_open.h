/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Opens files whose file system may not answer: a network server that is gone, a file system in
 * user space that is stopped. An open that is not answered soon counts as failed for now. It goes
 * on in a thread of its own, which may hang as long as it takes; nobody else waits.
 */
#ifndef PATIENT_OPEN_H
#define PATIENT_OPEN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/file_key.h"

/* The file that a path must lead to, by the numbers that stat shows. */
struct expected_file {
	struct file_key key;
	bool any_stacked; /* on overlayfs and btrfs the device may differ: the inode has to do */
};

struct patient_request {
	int root_fd; /* where the path begins, as if it were "/"; -1: at our own root */
	const char *path;
	/*
	 * The path's file system, by the kernel's numbers. No second open is tried while it owes an
	 * answer to a first. NULL: unknown, and the path stands for it.
	 */
	const char *file_system;
	const struct expected_file
		*expected; /* the only file that may be opened; NULL: any may be */
};

bool expected_file__is(const struct expected_file *expected, int fd, const struct stat *status);

/*
 * Opens a regular file read-only, by O_PATH first, so that no other kind is ever opened. Returns a
 * descriptor with *status, -EINVAL for another kind of file, -EFBIG, -ESTALE for a file that is not
 * the expected one, -ETIMEDOUT when there was no answer yet, or -errno.
 */
int patient_open__regular(const struct patient_request *request, struct stat *status);

/*
 * With has_time, each open is waited for up to 10 s, for callers that can't go on without the
 * files: a command's libraries must be known before it begins.
 */
void patient_open__take_time(bool has_time);

/*
 * Whether an open that counted as failed has been answered since the last call: then it is worth
 * trying again. Also warns of each file system that has not answered for a second, once.
 */
bool patient_open__answers_again(void);

#endif
