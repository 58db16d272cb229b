// SPDX-License-Identifier: GPL-2.0
/* See guarded_open.h. Used by report_file.c. */
#include "base/guarded_open.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_ours(const struct stat *status)
{
	return status->st_uid == geteuid();
}

static int open_own(int folder, const char *name, int flags, mode_t mode)
{
	int fd = openat(folder, name, flags | O_NOFOLLOW, mode);
	struct stat link;

	if (fd >= 0 || errno != ELOOP)
		return fd;
	if (fstatat(folder, name, &link, AT_SYMLINK_NOFOLLOW) || !is_ours(&link)) {
		errno = EACCES;
		return -1;
	}
	return openat(folder, name, flags, mode);
}

static int check_file(int fd, int flags)
{
	struct stat file;

	if (fstat(fd, &file))
		return -errno;
	if (S_ISREG(file.st_mode) && (!is_ours(&file) || file.st_nlink > 1))
		return -EACCES;
	if (S_ISFIFO(file.st_mode) && !is_ours(&file))
		return -EACCES;
	/* Not before the checks: another user's file must not be emptied. */
	return flags & O_TRUNC && S_ISREG(file.st_mode) && ftruncate(fd, 0) ? -errno : 0;
}

static int open_in_everybodys(int folder, const char *name, int flags, mode_t mode)
{
	int fd = open_own(folder, name, flags & ~O_TRUNC, mode);
	int err = fd < 0 ? 0 : check_file(fd, flags);

	if (!err)
		return fd;
	close(fd);
	errno = -err;
	return -1;
}

int guarded_open(const char *path, int flags, mode_t mode)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	char folder_path[PATH_MAX];
	struct stat status;
	int folder, fd, err;

	snprintf(folder_path, sizeof(folder_path), "%.*s", slash ? (int)(slash - path + 1) : 1,
		 slash ? path : ".");
	folder = open(folder_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return -1;
	if (!fstat(folder, &status) && status.st_mode & S_IWOTH && *name)
		fd = open_in_everybodys(folder, name, flags, mode);
	else
		fd = open(path, flags, mode);
	err = errno;
	close(folder);
	errno = err;
	return fd;
}
