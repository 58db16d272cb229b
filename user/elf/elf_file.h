/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ELF files that someone else controls, opened so that neither the file's kind nor its later
 * changes can hurt: only regular files, never blocking, no side effects on devices.
 */
#ifndef ELF_FILE_H
#define ELF_FILE_H

#include <sys/stat.h>

#include "elf/elf_headers.h"
#include "elf/process_root.h"

struct elf_file {
	int fd;
	struct elf_headers headers;
	char *path; /* what it was opened by */
	const struct process_root *root; /* where that path begins; NULL: at our own root */
};

/* Its path is NULL. */
#define ELF_FILE_CLOSED  \
	{                \
		.fd = -1 \
	}

/*
 * Opens a regular file read-only by a path that begins with the root's prefix, whatever links lead
 * out of that root. Returns the descriptor, -EINVAL for another kind of file, -EFBIG, or -errno.
 * The status is that of the opened file.
 */
int elf_file__open_below(const struct path_root *root, const char *path, struct stat *status);

/*
 * Opens a regular file that is an ELF object, below that root, or ours if it is NULL. The root must
 * outlive the file. Returns 0, or an error as elf_headers__read or as above.
 */
int elf_file__open(struct elf_file *file, const struct process_root *root, const char *path);

void elf_file__close(struct elf_file *file);
/* Its headers and its path stay, but nothing can be read any more. */
void elf_file__close_descriptor(struct elf_file *file);

#endif
