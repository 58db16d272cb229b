/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Opens files whose file system may not answer: a server on the network that is gone, a file system
 * in user space that is stopped. An open that has no answer soon goes on alone, in a thread that
 * may hang for as long as it takes, and counts as failed for now; nobody else waits.
 */
#ifndef PATIENT_OPEN_H
#define PATIENT_OPEN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* The numbers that stat shows of a file. */
struct file_numbers {
	uint32_t dev_major, dev_minor;
	uint64_t inode;
	bool any_stacked; /* on overlayfs and btrfs the device may be another: the inode has to do */
};

struct patient_request {
	int root_fd; /* where the path begins, as if that were "/"; -1: where ours does */
	const char *path;
	/* What the path is on, by the kernel's numbers, to be asked only once at a time; NULL:
	 * unknown. */
	const char *file_system;
	const struct file_numbers *expected; /* no other file is opened; NULL: any may be */
};

bool file_numbers__are_of(const struct file_numbers *expected, int fd, const struct stat *status);

/*
 * Opens a regular file read-only, by O_PATH first, so that nothing else is ever opened. Returns a
 * descriptor with *status, -EINVAL for another kind of file, -EFBIG, -ESTALE for a file that is not
 * the expected one, -ETIMEDOUT when there was no answer yet, or -errno.
 */
int patient_open__regular(const struct patient_request *request, struct stat *status);

/*
 * Whoever can't go on without the files waits for them longer, 10 s for each: a command's libraries
 * have to be known before it begins.
 */
void patient_open__take_time(bool has_time);

/*
 * Has an open that counted as failed been answered since this was last asked? Then it is worth
 * while to try again. Warns of file systems that have not answered for a second, once for each.
 */
bool patient_open__answers_again(void);

#endif
