/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the running kernel and our privileges allow, found by trying it or by the kernel's own type
 * information, never guessed from a version. What is made of it: probe_paths.h.
 */
#ifndef KERNEL_FEATURES_H
#define KERNEL_FEATURES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/utsname.h>

enum feature {
	FEATURE_KPROBE_EXIT, /* kprobes on exit_mmap and exit_mm_release */
	FEATURE_FENTRY, /* fentry, and with it fexit, on exit_mmap */
	FEATURE_RAW_TP_EXIT_MMAP, /* fires after the teardown, Linux 6.1 */
	FEATURE_RAW_TP_PREPARE_EXEC, /* sched_prepare_exec, Linux 6.10 */
	FEATURE_EXIT_HAS_MEMORY, /* sched_process_exit still sees the memory, Linux 6.16 */
	FEATURE_UPROBE_PERF, /* uprobes by perf events */
	FEATURE_UPROBE_MULTI, /* many by one link, Linux 6.6 */
	FEATURE_UPROBE_SESSION, /* entry and return in one program, Linux 6.13 */
	FEATURE_ON_DEMAND_MAPS, /* hash maps may allocate in any context, Linux 6.1 */
	FEATURE_WRITE_TEXT, /* /proc/PID/mem takes writes to code (see proc_mem.force_override) */
	FEATURE_ITERATORS, /* over all open files and mappings, Linux 5.12 */
	FEATURE_UNWIND, /* bpf_find_vma and bpf_loop, Linux 5.17, on a machine that we know */
	NR_FEATURES
};

#define FEATURE_UNTRIED (-1)

struct features {
	struct utsname system;
	int missing[NR_FEATURES]; /* 0: it is there; an errno: why not; or FEATURE_UNTRIED */
};

/* Of what was not tried: false. */
bool features__has(const struct features *features, enum feature feature);

/*
 * Fills *features. uses: what is going to be done, of enum privilege_use. thorough: try all; else
 * what matters with what was found so far, since a trial can take a tenth of a second. Returns 0;
 * -EPERM when privileges are missing, -EOPNOTSUPP when the kernel lacks something without which
 * nothing works, -errno otherwise, with one line in error that says what and what to do.
 */
int features__probe(struct features *features, unsigned int uses, const char *btf_path,
		    bool thorough, char *error, size_t error_size);

#endif
