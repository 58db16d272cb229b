/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which file is it? stat(2), the kernel's records of mappings and /proc/PID/maps may each name
 * another device and inode for one file, on overlayfs and btrfs, and the numbers of a container
 * that is gone are those of the next one. Uprobes and unwind tables go by the inode that a mapping
 * shows: so the tracer maps the file and has BPF look.
 */
#ifndef FILE_IDENTITY_H
#define FILE_IDENTITY_H

#include <stdbool.h>
#include <sys/stat.h>

#include "bpf/wire_unwind.h"

/* How BPF is asked; filled by the tracer. program_fd < 0: it can't be. */
struct file_identifier {
	int program_fd;
	bool lowest; /* the program looks at the lowest addresses alone */
	struct file_identity *answer;
};

/*
 * Identifies an open regular file. Where BPF can't tell (identifier NULL, or the file can't be
 * mapped), it is by stat, and the address is 0. Returns 0 or -errno.
 */
int file_identity__read(const struct file_identifier *identifier, int fd,
			struct file_identity *identity);

/* Device and inode as stat shows them, and the generation where the file system tells it. */
struct unwind_file_key file_identity__key_by_stat(int fd, const struct stat *status);

#endif
