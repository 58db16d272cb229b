/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The probes on allocator functions: which programs of the skeleton the chosen path needs, and
 * their links, by file. Only tracer.c calls this; it keeps SIGKILL from interrupting the work
 * (shield.h, link_closers.h).
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
	int fd; /* of a multi or session link */
	int file_fd; /* the probed file; the caller keeps it open */
};

struct allocator_links {
	struct allocator_link link[ALLOCATOR_LINKS_MAX];
	size_t nr;
};

/*
 * Call before the skeleton is loaded: turns off the programs that are not needed. scoped: probes go
 * into one process after the other, not into files. Returns 0 or -errno.
 */
int allocator_links__choose(struct memleak_bpf *skeleton, const struct probe_paths *paths,
			    bool scoped);

/*
 * Probes the functions of the file in the process pid, or in all processes if pid is 0. After an
 * error, the links made so far stay until they are detached. Returns 0 or -errno.
 */
int allocator_links__attach(struct allocator_links *links, struct memleak_bpf *skeleton,
			    enum call_probes path, int file_fd,
			    const struct allocator_probes *probes, pid_t pid);

/* Writes the descriptors of all links, up to ALLOCATOR_LINKS_MAX. Returns their number. */
size_t allocator_links__fds(const struct allocator_links *links, int *fds);

/*
 * Puts breakpoints into every process that maps the file, without running a program that records
 * calls. Links to one process need this once its first thread has left. Only where scoped. Returns
 * 0 or -errno.
 */
int allocator_links__attach_breakpoints(struct allocator_links *links, struct memleak_bpf *skeleton,
					int file_fd, const struct allocator_probes *probes);

/* Removes the probes from the file that file_fd refers to, or from all files. */
void allocator_links__detach_file(struct allocator_links *links, int file_fd);
void allocator_links__detach(struct allocator_links *links);

#endif
