/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Links of one BPF program to many functions of a file at once (uprobe.multi, Linux 6.6; uprobe
 * sessions, Linux 6.13). Made by the system call itself: libbpf before 1.3 wraps neither, and older
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
	bool returns; /* run at the functions' returns; for UPROBE_LINK_MULTI only */
	int file_fd; /* the file that holds the functions */
	pid_t pid; /* in this process alone; 0: in every process that maps the file */
	const uint64_t *offsets; /* in the file */
	const uint64_t *cookies; /* one for each offset, passed to the program; or NULL */
	size_t nr;
};

/* Returns the link's descriptor, or -errno. The caller closes it, which detaches the link. */
int uprobe_link__create(const struct uprobe_link_request *request);

/* Does the kernel know this type? The answer comes from a trial with an empty program. */
bool uprobe_link__supported(enum uprobe_link_type attach_type);

#endif
