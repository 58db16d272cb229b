/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Identifies files. stat(2), the kernel's records of mappings and /proc/PID/maps may each show
 * another device and inode for the same file, on overlayfs and btrfs. The numbers of a container
 * that is gone can be given to the next one. Uprobes and unwind tables go by the inode that a
 * mapping shows, so the tracer maps the file and asks a BPF program about that mapping.
 */
#ifndef FILE_IDENTITY_H
#define FILE_IDENTITY_H

#include <stdbool.h>
#include <sys/stat.h>

#include "bpf/wire_unwind.h"

/* How to ask BPF. Filled by the tracer. program_fd < 0: BPF can't be asked. */
struct file_identifier {
	int program_fd;
	bool lowest; /* the program sees mappings at the lowest addresses alone */
	struct file_identity *answer;
};

/*
 * Identifies an open regular file. Where BPF can't tell (identifier is NULL, or the file can't be
 * mapped), the identity comes from stat, and its address is 0. Returns 0 or -errno.
 */
int file_identity__read(const struct file_identifier *identifier, int fd,
			struct file_identity *identity);

/* Device and inode as stat shows them, and the generation if the file system has one. */
struct unwind_file_key file_identity__key_by_stat(int fd, const struct stat *status);

/*
 * Is the file on a file system that the system runs from, "/" or "/usr"? Nobody can want to unmount
 * these.
 */
bool file_identity__is_of_the_system(int fd);

#endif
