/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the running kernel and our privileges allow, probed and not guessed from a version, and the
 * way that is chosen for each job.
 */
#ifndef KERNEL_FEATURES_H
#define KERNEL_FEATURES_H

#include <stdbool.h>
#include <stddef.h>

enum exit_hook { EXIT_HOOK_KPROBE, EXIT_HOOK_TRACEPOINT, EXIT_HOOK_NONE };
enum uprobe_attach { UPROBE_ATTACH_SESSION, UPROBE_ATTACH_PERF };

struct features {
	char kernel[65]; /* uname -r */
	bool raw_tp_exit_mmap; /* fires after the teardown, Linux 6.1 */
	bool raw_tp_prepare_exec; /* sched_prepare_exec, Linux 6.10 */
	bool exit_has_mm; /* sched_process_exit still sees the memory, Linux 6.16 */
	bool kprobe_exit; /* kprobes on exit_mmap and exit_mm_release */
	bool on_demand_maps; /* hash maps may allocate in any context, Linux 6.1 */
	enum exit_hook exit_hook;
	enum uprobe_attach uprobe_attach;
};

/*
 * Fills *features. uses: what is going to be done, of enum privilege_use. Returns 0; -EPERM when
 * privileges are missing, -EOPNOTSUPP when the kernel lacks something without which nothing works,
 * -errno otherwise, with one line in error that says what and what to do.
 */
int features__probe(struct features *features, unsigned int uses, const char *btf_path, char *error,
		    size_t error_size);

const char *features__exit_hook_name(enum exit_hook hook);
const char *features__uprobe_name(enum uprobe_attach attach);

#endif
