/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The probes on allocator functions: which programs of the skeleton the chosen path takes, and
 * their links, by file. Used by tracer.c alone, which shields what must not be cut in two.
 */
#ifndef ALLOCATOR_LINKS_H
#define ALLOCATOR_LINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "allocators/allocators.h"
#include "probes/probe_paths.h"

#define ALLOCATOR_LINKS_MAX 4096

struct bpf_link;
struct memleak_bpf;

/* One attached uprobe, or several of one file. */
struct allocator_link {
	struct bpf_link *perf; /* NULL: a multi or session link */
	int fd; /* of such a link */
	int file_fd; /* of the probed file, which the caller keeps open */
};

struct allocator_links {
	struct allocator_link link[ALLOCATOR_LINKS_MAX];
	size_t nr;
};

/*
 * Before the skeleton is loaded: takes what is not needed out. scoped: one process after the other
 * is probed, not files. Returns 0 or -errno.
 */
int allocator_links__choose(struct memleak_bpf *skeleton, const struct probe_paths *paths,
			    bool scoped);

/*
 * Probes the functions of the file, in the process pid or with pid 0 in all. What has been attached
 * when an error occurs stays until it is detached. Returns 0 or -errno.
 */
int allocator_links__attach(struct allocator_links *links, struct memleak_bpf *skeleton,
			    enum call_probes path, int file_fd,
			    const struct allocator_probes *probes, pid_t pid);

/* The descriptors of all links, up to ALLOCATOR_LINKS_MAX. Returns how many they are. */
size_t allocator_links__fds(const struct allocator_links *links, int *fds);

/*
 * Puts breakpoints into every process that maps the file, which bring no call to any program: for
 * links to one process whose first thread has left. Only where scoped. Returns 0 or -errno.
 */
int allocator_links__attach_breakpoints(struct allocator_links *links, struct memleak_bpf *skeleton,
					int file_fd, const struct allocator_probes *probes);

/* Takes the probes out of the file behind file_fd, or out of all files. */
void allocator_links__detach_file(struct allocator_links *links, int file_fd);
void allocator_links__detach(struct allocator_links *links);

#endif
