// SPDX-License-Identifier: GPL-2.0
/* See probe_paths.h. */
#include "probes/probe_paths.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* One way to do a job: the feature it needs, and its descriptions. */
struct way {
	const char *name;
	const char *option;
	enum feature needs;
	const char *why; /* why it was chosen */
	const char *why_not; /* the reason if the kernel lacks it */
};

/* Indexed by the enumerations, in order of preference. */
static const struct way exit_before_ways[] = {
	[EXIT_BEFORE_FENTRY] = { "fentry", "--exit-hook", FEATURE_FENTRY,
				 "exit_mmap, exit_mm_release: see every teardown, whichever task does it",
				 "does not allow fentry programs" },
	[EXIT_BEFORE_KPROBE] = { "kprobe", "--exit-hook", FEATURE_KPROBE_EXIT,
				 "exit_mmap, exit_mm_release: fentry programs are not allowed",
				 "has no kprobes" },
	[EXIT_BEFORE_TRACEPOINT] = { "tracepoint", "--exit-hook", FEATURE_EXIT_HAS_MEMORY,
				     "sched_process_exit, sched_prepare_exec: no fentry, no kprobes",
				     "has released the memory when sched_process_exit runs (before 6.16)" },
};

static const struct way exit_after_ways[] = {
	[EXIT_AFTER_TRACEPOINT] = { "tracepoint", "--exit-after", FEATURE_RAW_TP_EXIT_MMAP,
				    "exit_mmap: fires when the teardown is complete",
				    "has no tracepoint exit_mmap (before 6.1)" },
	[EXIT_AFTER_FEXIT] = { "fexit", "--exit-after", FEATURE_FENTRY,
			       "exit_mmap: there is no such tracepoint",
			       "does not allow fexit programs" },
	[EXIT_AFTER_KRETPROBE] = { "kretprobe", "--exit-after", FEATURE_KPROBE_EXIT,
				   "exit_mmap: neither tracepoint nor fexit; missed ones are counted",
				   "has no kprobes" },
};

static const struct way call_probes_ways[] = {
	[CALL_PROBES_SESSION] = { "session", "--attach", FEATURE_UPROBE_SESSION,
				  "one program for entry and return, scoped to a process",
				  "has no uprobe sessions (before 6.13)" },
	[CALL_PROBES_MULTI] = { "multi", "--attach", FEATURE_UPROBE_MULTI,
				"one link for all functions; no sessions here",
				"has no uprobe.multi links (before 6.6)" },
	[CALL_PROBES_PERF] = { "perf", "--attach", FEATURE_UPROBE_PERF,
			       "an event for each function: no uprobe.multi links here",
			       "refuses perf uprobes" },
};

static const struct way stack_walk_ways[] = {
	[STACK_WALK_TABLES] = { "tables", "--stack-walk", FEATURE_UNWIND,
				"made of .eh_frame: whole stacks of code without frame pointers",
				"can't walk stacks by tables (before 5.17; x86-64 only)" },
	[STACK_WALK_FRAME_POINTERS] = { "frame-pointers", "--stack-walk", FEATURE_UPROBE_PERF,
					"stacks of code compiled without them are cut or wrong",
					"" },
	[STACK_WALK_NONE] = { "none", "--stack-walk", FEATURE_UPROBE_PERF,
			      "held memory is counted, and no stack is kept", "" },
};

#define NR_WAYS(ways) (sizeof(ways) / sizeof((ways)[0]))

/* Returns the index of the wanted way, or of the first that the kernel has; 0: none. */
static unsigned int choose_way(const struct features *features, const struct way *ways, size_t nr,
			       unsigned int wanted)
{
	if (wanted)
		return features__has(features, ways[wanted].needs) ? wanted : 0;
	for (unsigned int i = 1; i < nr; i++)
		if (features__has(features, ways[i].needs))
			return i;
	return 0;
}

static int refuse_wanted(const struct features *features, const struct way *way, char *error,
			 size_t error_size)
{
	int missing = features->missing[way->needs];

	snprintf(error, error_size, "%s %s is not possible: kernel %s %s%s%s; see --features",
		 way->option, way->name, features->system.release, way->why_not,
		 missing > 0 && missing != EOPNOTSUPP ? ": " : "",
		 missing > 0 && missing != EOPNOTSUPP ? strerror(missing) : "");
	return -EOPNOTSUPP;
}

int probe_paths__choose(const struct features *features, const struct probe_paths *wanted,
			struct probe_paths *paths, char *error, size_t error_size)
{
	const char *kernel = features->system.release;

	paths->exit_before = choose_way(features, exit_before_ways, NR_WAYS(exit_before_ways),
					wanted->exit_before);
	paths->exit_after =
		choose_way(features, exit_after_ways, NR_WAYS(exit_after_ways), wanted->exit_after);
	paths->call_probes = choose_way(features, call_probes_ways, NR_WAYS(call_probes_ways),
					wanted->call_probes);
	/* Every stack walk except by tables is always possible. */
	paths->stack_walk = wanted->stack_walk;
	if (!paths->stack_walk)
		paths->stack_walk = features__has(features, FEATURE_UNWIND) ?
					    STACK_WALK_TABLES :
					    STACK_WALK_FRAME_POINTERS;
	if (paths->stack_walk == STACK_WALK_TABLES && !features__has(features, FEATURE_UNWIND))
		return refuse_wanted(features, &stack_walk_ways[STACK_WALK_TABLES], error,
				     error_size);
	if (wanted->exit_before && !paths->exit_before)
		return refuse_wanted(features, &exit_before_ways[wanted->exit_before], error,
				     error_size);
	if (wanted->exit_after && !paths->exit_after)
		return refuse_wanted(features, &exit_after_ways[wanted->exit_after], error,
				     error_size);
	if (wanted->call_probes && !paths->call_probes)
		return refuse_wanted(features, &call_probes_ways[wanted->call_probes], error,
				     error_size);
	if (!paths->exit_before)
		snprintf(
			error, error_size,
			"kernel %s offers no way to see a process's memory at its end: it has no kprobes, does not allow fentry programs, and its sched_process_exit comes too late (before 6.16)",
			kernel);
	else if (!paths->exit_after)
		snprintf(
			error, error_size,
			"kernel %s offers no way to see when a process's memory is gone: it has no tracepoint exit_mmap (before 6.1), no fexit programs and no kprobes",
			kernel);
	else if (!paths->call_probes)
		snprintf(error, error_size, "kernel %s refuses every kind of uprobe", kernel);
	else if (paths->exit_before == EXIT_BEFORE_TRACEPOINT &&
		 paths->exit_after == EXIT_AFTER_KRETPROBE)
		snprintf(
			error, error_size,
			"--exit-after kretprobe goes with --exit-hook kprobe or fentry only: a missed one would not be noticed");
	else
		return 0;
	return -EOPNOTSUPP;
}

static unsigned int find_way(const struct way *ways, size_t nr, const char *name)
{
	for (unsigned int i = 1; i < nr; i++)
		if (!strcmp(ways[i].name, name))
			return i;
	return 0;
}

const char *probe_paths__exit_before_name(enum exit_before path)
{
	return exit_before_ways[path].name;
}

const char *probe_paths__exit_after_name(enum exit_after path)
{
	return exit_after_ways[path].name;
}

const char *probe_paths__call_probes_name(enum call_probes path)
{
	return call_probes_ways[path].name;
}

enum stack_walk probe_paths__stack_walk(const char *name)
{
	return find_way(stack_walk_ways, NR_WAYS(stack_walk_ways), name);
}

enum exit_before probe_paths__exit_before(const char *name)
{
	return find_way(exit_before_ways, NR_WAYS(exit_before_ways), name);
}

enum exit_after probe_paths__exit_after(const char *name)
{
	return find_way(exit_after_ways, NR_WAYS(exit_after_ways), name);
}

enum call_probes probe_paths__call_probes(const char *name)
{
	return find_way(call_probes_ways, NR_WAYS(call_probes_ways), name);
}

static void describe_way(struct probe_path_text *text, const char *job, const struct way *way,
			 bool wanted)
{
	text->job = job;
	text->name = way->name;
	if (wanted)
		snprintf(text->why, sizeof(text->why), "asked for by %s", way->option);
	else
		snprintf(text->why, sizeof(text->why), "%s", way->why);
}

struct probe_path_text probe_paths__describe(const struct probe_paths *wanted,
					     const struct probe_paths *paths, enum probe_job job)
{
	struct probe_path_text text = { 0 };

	switch (job) {
	case JOB_EXIT_BEFORE:
		describe_way(&text, "exit before", &exit_before_ways[paths->exit_before],
			     wanted->exit_before);
		break;
	case JOB_EXIT_AFTER:
		describe_way(&text, "exit after", &exit_after_ways[paths->exit_after],
			     wanted->exit_after);
		break;
	case JOB_CALL_PROBES:
		describe_way(&text, "calls", &call_probes_ways[paths->call_probes],
			     wanted->call_probes);
		break;
	case JOB_STACK_WALK:
		describe_way(&text, "stack walk", &stack_walk_ways[paths->stack_walk],
			     wanted->stack_walk);
		break;
	case NR_PROBE_JOBS:
		break;
	}
	return text;
}

const char *probe_paths__degraded(const struct features *features, const struct probe_paths *paths,
				  unsigned int n)
{
	const struct {
		bool holds;
		const char *what;
	} lines[] = {
		{ !features__has(features, FEATURE_ON_DEMAND_MAPS),
		  "there is less room for blocks and stacks, and all of it is taken at the start (--max-blocks, --max-stacks)" },
		{ !features__has(features, FEATURE_ITERATORS),
		  "the processes that map shared memory are seen only where /proc can be read" },
		{ !features__has(features, FEATURE_WRITE_TEXT),
		  "programs that translate code, such as Valgrind, can't be guarded from the probes and may be ended by SIGTRAP (proc_mem.force_override=always allows it)" },
		{ !features__has(features, FEATURE_UNWIND),
		  "stacks are walked by frame pointers, and are cut or wrong in code that has no frame pointers" },
		{ paths->exit_after == EXIT_AFTER_KRETPROBE,
		  "when many processes end at once, the ends of some teardowns are missed, and counted" },
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (lines[i].holds && !n--)
			return lines[i].what;
	return NULL;
}
