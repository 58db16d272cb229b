/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Links of one BPF program to many functions of a file at once (uprobe.multi, Linux 6.6; uprobe
 * sessions, Linux 6.13), by the system call itself: libbpf before 1.3 wraps neither, and older
 * kernel headers lack the structures.
 */
#ifndef UPROBE_LINK_H
#define UPROBE_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* enum bpf_attach_type of include/uapi/linux/bpf.h. */
#define UPROBE_LINK_MULTI 48 /* Linux 6.6 */
#define UPROBE_LINK_SESSION 57 /* Linux 6.13 */

/*
 * Attaches program_fd to the file offsets of the file behind file_fd: in the process pid alone, or
 * with pid 0 in every process that maps the file. attach_type must be the expected attach type that
 * the program was loaded with. cookies may be NULL. Returns a link's file descriptor, to be closed
 * by the caller (which detaches), or -errno.
 */
int uprobe_link__create(int program_fd, int attach_type, int file_fd, pid_t pid,
			const uint64_t *offsets, const uint64_t *cookies, size_t nr);

/* Does the kernel know this attach type? Tried with an empty program, not guessed. */
bool uprobe_link__supported(int attach_type);

#endif
