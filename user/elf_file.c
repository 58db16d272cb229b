// SPDX-License-Identifier: GPL-2.0
/*
 * Paths in, open files with their headers out, for the rooms that read symbols and DWARF.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "elf_file.h"

/* Larger than any executable or debug file, small enough that offsets can't overflow. */
#define MAX_FILE_BYTES (1LL << 35)

int elf_file__reopen_regular(int path_fd, struct stat *status)
{
	char link[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
	int fd = -1, err = 0;

	if (path_fd < 0)
		return path_fd;
	if (fstat(path_fd, status))
		err = -errno;
	else if (!S_ISREG(status->st_mode))
		err = -EINVAL;
	else if (status->st_size > MAX_FILE_BYTES)
		err = -EFBIG;
	if (!err) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", path_fd);
		/* O_NONBLOCK: a lease that someone holds on the file must not make us wait. */
		fd = open(link, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (fd < 0)
			err = -errno;
	}
	close(path_fd);
	return err ? err : fd;
}

int elf_file__open_regular(const char *path, struct stat *status)
{
	/*
	 * The path may have become a FIFO, or a link to a device where merely opening does
	 * something (a tape, a watchdog). O_PATH touches nothing; only what proved to be a regular
	 * file is opened for real, by way of /proc, so that nobody can swap it in between.
	 */
	int path_fd = open(path, O_PATH | O_CLOEXEC);

	return elf_file__reopen_regular(path_fd < 0 ? -errno : path_fd, status);
}

int elf_file__open_below(const struct path_root *root, const char *path, struct stat *status)
{
	size_t length = strlen(root->prefix);

	if (root->folder && !strncmp(path, root->prefix, length) && path[length] == '/')
		path += length;
	return elf_file__reopen_regular(process_root__open_path(root->folder, path), status);
}

int elf_file__open(struct elf_file *file, const struct process_root *root, const char *path)
{
	struct stat status;
	int err;

	*file = (struct elf_file)ELF_FILE_CLOSED;
	file->root = root;
	file->path = strdup(path);
	if (!file->path)
		return -ENOMEM;
	file->fd = elf_file__reopen_regular(process_root__open_path(root, path), &status);
	err = file->fd < 0 ? file->fd : elf_headers__of_file(file->fd, &file->headers);
	if (err)
		elf_file__close(file);
	return err;
}

void elf_file__close_descriptor(struct elf_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = file->headers.source.fd = -1;
	file->root = NULL;
}

void elf_file__close(struct elf_file *file)
{
	elf_headers__free(&file->headers);
	if (file->fd >= 0)
		close(file->fd);
	free(file->path);
	*file = (struct elf_file)ELF_FILE_CLOSED;
}
