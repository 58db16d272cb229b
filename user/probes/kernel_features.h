/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The features that the running kernel and our privileges allow. They are found by trial or in the
 * kernel's type information, never guessed from a version. probe_paths.h chooses by them.
 */
#ifndef KERNEL_FEATURES_H
#define KERNEL_FEATURES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/utsname.h>

enum feature {
	FEATURE_KPROBE_EXIT, /* kprobes on exit_mmap and exit_mm_release */
	FEATURE_FENTRY, /* fentry, and with it fexit, on exit_mmap */
	FEATURE_RAW_TP_EXIT_MMAP, /* the tracepoint exit_mmap, after the teardown, Linux 6.1 */
	FEATURE_RAW_TP_PREPARE_EXEC, /* sched_prepare_exec, Linux 6.10 */
	FEATURE_EXIT_HAS_MEMORY, /* sched_process_exit still sees the memory, Linux 6.16 */
	FEATURE_UPROBE_PERF, /* uprobes by perf events */
	FEATURE_UPROBE_MULTI, /* many uprobes by one link, Linux 6.6 */
	FEATURE_UPROBE_SESSION, /* entry and return in one program, Linux 6.13 */
	FEATURE_ON_DEMAND_MAPS, /* hash maps may allocate in any context, Linux 6.1 */
	FEATURE_WRITE_TEXT, /* /proc/PID/mem allows writes to code (see proc_mem.force_override) */
	FEATURE_ITERATORS, /* BPF iterators over all open files and mappings, Linux 5.12 */
	FEATURE_UNWIND, /* bpf_find_vma and bpf_loop, Linux 5.17; x86-64 only */
	NR_FEATURES
};

#define FEATURE_UNTRIED (-1)

struct features {
	struct utsname system;
	int missing[NR_FEATURES]; /* 0: present; an errno: why it is missing; or FEATURE_UNTRIED */
};

/* False for a feature that was not tried. */
bool features__has(const struct features *features, enum feature feature);

/*
 * Fills *features. uses: the planned work, of enum privilege_use. thorough: try all features; else
 * only those that matter given the results so far, since a trial can take a tenth of a second.
 * Returns 0; -EPERM when privileges are missing; -EOPNOTSUPP when the kernel lacks something that
 * the tracer can't work without; -errno otherwise. On failure, error holds one line: the cause, and
 * the remedy.
 */
int features__probe(struct features *features, unsigned int uses, const char *btf_path,
		    bool thorough, char *error, size_t error_size);

#endif
