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
enum uprobe_link_type {
	UPROBE_LINK_MULTI = 48, /* Linux 6.6 */
	UPROBE_LINK_SESSION = 57, /* Linux 6.13 */
};

struct uprobe_link_request {
	int program_fd;
	enum uprobe_link_type attach_type; /* the one that the program was loaded with */
	bool returns; /* at the functions' returns; of UPROBE_LINK_MULTI */
	int file_fd; /* the file that holds the functions */
	pid_t pid; /* in this process alone; 0: in every process that maps the file */
	const uint64_t *offsets; /* in the file */
	const uint64_t *cookies; /* one for each, for the program; or NULL */
	size_t nr;
};

/* Returns a link's file descriptor, to be closed by the caller (which detaches), or -errno. */
int uprobe_link__create(const struct uprobe_link_request *request);

/* Does the kernel know this type? Tried with an empty program, not guessed. */
bool uprobe_link__supported(enum uprobe_link_type attach_type);

#endif
