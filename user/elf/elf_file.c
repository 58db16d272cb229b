// SPDX-License-Identifier: GPL-2.0
/* Opens files by path and reads their headers, for the rooms that read symbols and DWARF. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "elf/elf_file.h"
#include "elf/patient_open.h"

static int open_in(const struct process_root *root, const char *path, struct stat *status)
{
	struct patient_request request = { .root_fd = process_root__place(root, &path) };

	request.path = path;
	return patient_open__regular(&request, status);
}

int elf_file__open_below(const struct path_root *root, const char *path, struct stat *status)
{
	size_t length = strlen(root->prefix);

	if (root->folder && !strncmp(path, root->prefix, length) && path[length] == '/')
		path += length;
	return open_in(root->folder, path, status);
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
	file->fd = open_in(root, path, &status);
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
