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
	char *path; /* the path that it was opened by */
	const struct process_root *root; /* where that path begins; NULL: at our own root */
};

/* A file that is not open; its path is NULL. */
#define ELF_FILE_CLOSED  \
	{                \
		.fd = -1 \
	}

/*
 * Opens a regular file read-only, by a path that begins with the root's prefix. Links are resolved
 * inside that root: none leads out of it. Returns the descriptor with the opened file's *status,
 * -EINVAL for another kind of file, -EFBIG, or -errno.
 */
int elf_file__open_below(const struct path_root *root, const char *path, struct stat *status);

/*
 * Opens a regular file that is an ELF object, below that root, or below ours if it is NULL. The
 * root must outlive the file. Returns 0, or an error as elf_headers__read or as above.
 */
int elf_file__open(struct elf_file *file, const struct process_root *root, const char *path);

void elf_file__close(struct elf_file *file);
/* Keeps the headers and the path, but nothing more can be read from the file. */
void elf_file__close_descriptor(struct elf_file *file);

#endif
