/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The BPF side as user space sees it: loading, attaching, targets, and the descriptors of its maps.
 * Only this file, lifecycle_hooks.h and allocator_links.h use the skeleton. All probes go when the
 * tracer is freed or the process ends.
 */
#ifndef TRACER_H
#define TRACER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf/wire.h"
#include "allocators/allocators.h"
#include "probes/file_identity.h"
#include "probes/probe_paths.h"
#include "unwind/unwind_tables.h"

struct tracer;

struct tracer_config {
	bool system_wide;
	bool follow_children; /* of the targets, and their descendants */
	bool trace; /* an event for each call */
	uint64_t min_size_bytes, max_size_bytes;
	uint64_t max_blocks; /* 0: sized from memory */
	uint64_t max_stacks; /* 0: default */
	uint64_t max_frames; /* of a stack, 1 to WIRE_MAX_FRAMES */
	const char *btf_path; /* NULL: the kernel's own */
};

/* The maps that a snapshot reads; bpf/maps.h describes their contents. */
struct tracer_maps {
	int live, ended, late_ends, blocks, sites, site_index, stacks, losses, targets;
	uint64_t max_ended, max_blocks, max_stacks;
};

/*
 * Loads the BPF side and attaches the life-cycle hooks; no allocator is probed yet. NULL and errno
 * on failure.
 */
struct tracer *tracer__new(const struct features *features, const struct probe_paths *paths,
			   const struct tracer_config *config);
/*
 * Removes all probes. Returns false when some take too long to wait for: other processes finish
 * removing them, even if this one is killed.
 */
bool tracer__free(struct tracer *tracer);

const struct tracer_maps *tracer__maps(const struct tracer *tracer);

/* Identifies files; valid as long as the tracer. */
const struct file_identifier *tracer__identifier(const struct tracer *tracer);

/*
 * Can probes be put into one process alone, and miss nothing? If not, they go into every process
 * that maps the file. Only targets are recorded, but the others pay for the traps.
 */
bool tracer__probes_one_process(const struct tracer *tracer);

/*
 * Probes the allocator functions of the file that file_fd refers to: in the threads of the process
 * pid, or if pid is 0 in every process that maps the file. Returns 0 or -errno.
 */
int tracer__attach_allocator(struct tracer *tracer, int file_fd,
			     const struct allocator_probes *probes, pid_t pid);

/*
 * Loads the programs that tracer__attach_guests attaches, unless they are loaded. That takes some
 * tenths of a second. Returns 0 or -errno.
 */
int tracer__load_guests(struct tracer *tracer);

/*
 * Also probes children that share the memory of that thread's process under another PID (vfork,
 * clone with CLONE_VM), for as long as the thread lives. Call tracer__load_guests before. Removing
 * these probes is expensive: a tenth of a second each. Returns 0 or -errno.
 */
int tracer__attach_guests(struct tracer *tracer, int file_fd, const struct allocator_probes *probes,
			  pid_t tid);

/*
 * The kernel puts no new breakpoints into a process whose first thread has left, neither for a new
 * link nor in a new mapping. Existing breakpoints still work. So this puts breakpoints into every
 * process that maps the file; the others pay for a trap, and are not recorded. Only for probes that
 * are put into one process alone. Returns 0 or -errno.
 */
int tracer__attach_breakpoints(struct tracer *tracer, int file_fd,
			       const struct allocator_probes *probes);

/* Removes all probes from that file. */
void tracer__detach_file(struct tracer *tracer, int file_fd);

/*
 * Traces that process, which may be traced already as a child of a target. from_exec: only from its
 * next exec on. Returns 0 or -errno.
 */
int tracer__add_target(struct tracer *tracer, pid_t tgid, bool from_exec);
/* For a process that had ended when it was added: its PID will be reused. */
void tracer__forget_target(struct tracer *tracer, pid_t tgid);

/* Readable when tracer__consume has something to do. */
int tracer__fd(const struct tracer *tracer);

struct tracer_handlers {
	void (*event)(const struct event *event, void *context); /* of --trace */
	/* A stack walk met a file whose unwind table is not loaded. */
	void (*unwind_request)(const struct unwind_request *request, void *context);
	/* A walk that BPF could not finish; user space finishes it. */
	void (*unfinished_walk)(const struct unfinished_walk *unfinished, void *context);
	void *context;
};

/*
 * Calls the handlers for the records that have arrived. Doorbells (empty wake-up records) are
 * dropped. Returns 0 or -errno.
 */
int tracer__consume(struct tracer *tracer, const struct tracer_handlers *handlers);

/* The maps that hold the unwind tables. */
struct unwind_maps tracer__unwind_maps(const struct tracer *tracer);

/* Sets the key by which the vdso's unwind table is found. */
void tracer__set_vdso(struct tracer *tracer, const struct unwind_file_key *key);

/* Call when a process has mapped code: cached mappings of the process are stale. */
void tracer__note_mapped(struct tracer *tracer, pid_t tgid);

#endif
