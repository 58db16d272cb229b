/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The BPF side as user space sees it: load, attach, targets, and the file descriptors of its maps.
 * The only user of the skeleton, with lifecycle_hooks.h and allocator_links.h. Everything detaches
 * when the tracer is freed or the process dies.
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
	bool follow_children; /* of the targets, and theirs */
	bool trace; /* an event for each call */
	uint64_t min_size_bytes, max_size_bytes;
	uint64_t max_blocks; /* 0: sized from memory */
	uint64_t max_stacks; /* 0: default */
	uint64_t max_frames; /* of a stack, 1 to WIRE_MAX_FRAMES */
	const char *btf_path; /* NULL: the kernel's own */
};

/* The maps that a snapshot reads; see bpf/maps.h for what is in them. */
struct tracer_maps {
	int live, ended, late_ends, blocks, sites, site_index, stacks, losses, targets;
	uint64_t max_ended, max_blocks, max_stacks;
};

/*
 * Loads the BPF side and attaches the exit hooks; no allocator is probed yet. NULL and errno on
 * failure.
 */
struct tracer *tracer__new(const struct features *features, const struct probe_paths *paths,
			   const struct tracer_config *config);
/*
 * Takes all probes away. Returns false when some take longer than anybody should wait for: other
 * processes see to it that these go, whatever becomes of this one.
 */
bool tracer__free(struct tracer *tracer);

const struct tracer_maps *tracer__maps(const struct tracer *tracer);

/* By what files are identified; good as long as the tracer. */
const struct file_identifier *tracer__identifier(const struct tracer *tracer);

/*
 * Can probes be put into one process alone, and stay exact? If not, they go into every process that
 * maps the file; only targets are recorded, but the others pay for the traps.
 */
bool tracer__probes_one_process(const struct tracer *tracer);

/*
 * Probes the allocator functions of the file behind file_fd in the threads of the process pid, or
 * with pid 0 in every process that maps it. Returns 0 or -errno.
 */
int tracer__attach_allocator(struct tracer *tracer, int file_fd,
			     const struct allocator_probes *probes, pid_t pid);

/*
 * Probes them too in children that share the memory of that thread's process under another PID
 * (vfork, clone with CLONE_VM), for as long as the thread lives. Dear to take away again: a tenth
 * of a second for each probe. Returns 0 or -errno.
 */
int tracer__attach_guests(struct tracer *tracer, int file_fd, const struct allocator_probes *probes,
			  pid_t tid);

/*
 * A process whose first thread has left gets no breakpoints any more, neither by a new link to it
 * nor in what it maps anew; those that are there serve it as before. This puts them into every
 * process that maps the file: the others pay for a trap, and are not recorded. Where probes are put
 * into one process alone. Returns 0 or -errno.
 */
int tracer__attach_breakpoints(struct tracer *tracer, int file_fd,
			       const struct allocator_probes *probes);

/* Takes all probes out of that file. */
void tracer__detach_file(struct tracer *tracer, int file_fd);

/*
 * Traces that process, which may be traced already as somebody's child; with from_exec only from
 * its next exec on. Returns 0 or -errno.
 */
int tracer__add_target(struct tracer *tracer, pid_t tgid, bool from_exec);
/* For one that had ended when it was added: the number is another's soon. */
void tracer__remove_target(struct tracer *tracer, pid_t tgid);

/* Readable when tracer__consume has something to do. */
int tracer__fd(const struct tracer *tracer);

struct tracer_handlers {
	void (*event)(const struct event *event, void *context); /* of -t */
	/* A stack came by a file whose table is not there. */
	void (*unwind_request)(const struct unwind_request *request, void *context);
	/* A walk that ended there, for the user side to finish. */
	void (*unfinished_walk)(const struct unfinished_walk *unfinished, void *context);
	void *context;
};

/* Calls the handlers for what has arrived; doorbells are swallowed. Returns 0 or -errno. */
int tracer__consume(struct tracer *tracer, const struct tracer_handlers *handlers);

/* The maps of the tables that stacks are walked by. */
struct unwind_maps tracer__unwind_maps(const struct tracer *tracer);

/* The table of the vdso is among those, under that key. */
void tracer__set_vdso(struct tracer *tracer, const struct unwind_file_key *key);

/* A process has mapped code: what was cached of its mappings is stale. */
void tracer__note_mapped(struct tracer *tracer, pid_t tgid);

#endif
