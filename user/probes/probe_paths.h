/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Chooses one of the kernel's mechanisms for each job, and says why. Pure: the choice depends only
 * on the features that were found and the paths that were asked for.
 */
#ifndef PROBE_PATHS_H
#define PROBE_PATHS_H

#include <stdbool.h>
#include <stddef.h>

#include "probes/kernel_features.h"

/* The hook that sees the memory just before its teardown. */
enum exit_before {
	EXIT_BEFORE_ANY,
	EXIT_BEFORE_FENTRY,
	EXIT_BEFORE_KPROBE,
	EXIT_BEFORE_TRACEPOINT
};
/* The hook that sees the end of the teardown. */
enum exit_after { EXIT_AFTER_ANY, EXIT_AFTER_TRACEPOINT, EXIT_AFTER_FEXIT, EXIT_AFTER_KRETPROBE };
/* The probes that see the calls of allocator functions. */
enum call_probes { CALL_PROBES_ANY, CALL_PROBES_SESSION, CALL_PROBES_MULTI, CALL_PROBES_PERF };

/* The way to walk the user stack of a call. */
enum stack_walk { STACK_WALK_ANY, STACK_WALK_TABLES, STACK_WALK_FRAME_POINTERS, STACK_WALK_NONE };

struct probe_paths {
	enum exit_before exit_before;
	enum exit_after exit_after;
	enum call_probes call_probes;
	enum stack_walk stack_walk;
};

enum probe_job { JOB_EXIT_BEFORE, JOB_EXIT_AFTER, JOB_CALL_PROBES, JOB_STACK_WALK, NR_PROBE_JOBS };

/* The description of a job's path. */
struct probe_path_text {
	const char *job; /* "exit before" */
	const char *name; /* of the path: "kprobe" */
	char why[160];
};

/*
 * Fills *paths. wanted: the paths that were asked for; ..._ANY leaves the choice. Returns 0, or
 * -EOPNOTSUPP with one line in error when the kernel lacks something that was asked for or is
 * needed.
 */
int probe_paths__choose(const struct features *features, const struct probe_paths *wanted,
			struct probe_paths *paths, char *error, size_t error_size);

/* The names that options take and reports show. 0 (ANY) for an unknown name. */
const char *probe_paths__exit_before_name(enum exit_before path);
const char *probe_paths__exit_after_name(enum exit_after path);
const char *probe_paths__call_probes_name(enum call_probes path);
enum exit_before probe_paths__exit_before(const char *name);
enum exit_after probe_paths__exit_after(const char *name);
enum call_probes probe_paths__call_probes(const char *name);
enum stack_walk probe_paths__stack_walk(const char *name);

struct probe_path_text probe_paths__describe(const struct probe_paths *wanted,
					     const struct probe_paths *paths, enum probe_job job);

/* The drawbacks on this kernel, one line each: the n-th, from 0 on, or NULL after the last. */
const char *probe_paths__degraded(const struct features *features, const struct probe_paths *paths,
				  unsigned int n);

#endif
