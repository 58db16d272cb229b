// SPDX-License-Identifier: GPL-2.0
/*
 * See kernel_features.h. monitor_load.c asks once, before anything is loaded; features_report.c
 * asks for --features.
 */
#include "probes/kernel_features.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "probes/feature_trials.h"
#include "probes/filtered_return.h"
#include "base/log.h"
#include "processes/privileges.h"
#include "probes/uprobe_link.h"

#define KERNEL_BTF_FILE "/sys/kernel/btf/vmlinux"

bool features__has(const struct features *features, enum feature feature)
{
	return !features->missing[feature];
}

static int refuse_perf(uint64_t capabilities, bool root, char *error, size_t error_size)
{
	int err = privileges__check(capabilities, PRIVILEGE_GUARDED_PERF, root, error, error_size);

	if (err)
		return err;
	snprintf(error, error_size,
		 "perf events are forbidden here, by a seccomp filter or a security module");
	return -EPERM;
}

/* libbpf's messages are logged as detail; our own error is one line. */
static int print_libbpf(enum libbpf_print_level level, const char *format, va_list arguments)
{
	if (level != LIBBPF_DEBUG)
		log__detail_va(format, arguments);
	return 0;
}

static struct btf *load_kernel_types(const char *btf_path, char *error, size_t error_size)
{
	struct btf *types = btf_path ? btf__parse(btf_path, NULL) : btf__load_vmlinux_btf();
	char reason[128];

	if (types)
		return types;
	if (btf_path) {
		libbpf_strerror(errno, reason, sizeof(reason));
		snprintf(error, error_size, "cannot read kernel type information from %s: %s",
			 btf_path, reason);
	} else {
		snprintf(
			error, error_size,
			"the kernel has no type information (%s); give the BTF of this very kernel with --btf FILE",
			KERNEL_BTF_FILE);
	}
	return NULL;
}

static void probe_exit(struct features *features, const struct btf *types, bool thorough)
{
	int *missing = features->missing;

	missing[FEATURE_RAW_TP_EXIT_MMAP] = feature_trials__raw_tracepoint(types, "exit_mmap");
	missing[FEATURE_RAW_TP_PREPARE_EXEC] =
		feature_trials__raw_tracepoint(types, "sched_prepare_exec");
	missing[FEATURE_EXIT_HAS_MEMORY] = feature_trials__exit_has_memory(types);
	missing[FEATURE_FENTRY] = feature_trials__fentry(types, "exit_mmap");
	if (!missing[FEATURE_FENTRY])
		missing[FEATURE_FENTRY] = feature_trials__fentry(types, "exit_mm_release");
	if (!thorough && !missing[FEATURE_FENTRY])
		return;
	missing[FEATURE_KPROBE_EXIT] = feature_trials__kprobe("exit_mmap");
	if (!missing[FEATURE_KPROBE_EXIT])
		missing[FEATURE_KPROBE_EXIT] = feature_trials__kprobe("exit_mm_release");
}

static int try_link(enum uprobe_link_type type)
{
	return uprobe_link__supported(type) ? 0 : EOPNOTSUPP;
}

static void probe_calls(struct features *features, bool thorough)
{
	int *missing = features->missing;

	missing[FEATURE_UPROBE_PERF] = feature_trials__perf_uprobe();
	missing[FEATURE_UPROBE_SESSION] = try_link(UPROBE_LINK_SESSION);
	if (thorough || missing[FEATURE_UPROBE_SESSION])
		missing[FEATURE_UPROBE_MULTI] = try_link(UPROBE_LINK_MULTI);
}

static void probe_rest(struct features *features, const struct btf *types)
{
	int *missing = features->missing;

	missing[FEATURE_ON_DEMAND_MAPS] = feature_trials__type(types, "bpf_mem_alloc");
	missing[FEATURE_WRITE_TEXT] = feature_trials__write_text();
	missing[FEATURE_ITERATORS] = feature_trials__type(types, "bpf_iter__task_vma");
	missing[FEATURE_UNWIND] = EOPNOTSUPP;
#ifdef __x86_64__
	missing[FEATURE_UNWIND] = feature_trials__helper(BPF_FUNC_find_vma);
	if (!missing[FEATURE_UNWIND])
		missing[FEATURE_UNWIND] = feature_trials__helper(BPF_FUNC_loop);
#endif
}

/* Checks that uprobes exist and harm no one; nothing works without them. */
static int check_uprobes(const struct features *features, char *error, size_t error_size)
{
	const char *kernel = features->system.release;
	int type = feature_trials__perf_type("uprobe");

	if (type < 0) {
		snprintf(error, error_size,
			 "kernel %s has no uprobes; it needs CONFIG_UPROBE_EVENTS", kernel);
		return -EOPNOTSUPP;
	}
	if (filtered_return__is_suspect(kernel) && filtered_return__is_deadly(type) == 1) {
		snprintf(
			error, error_size,
			"kernel %s ends programs that have a seccomp filter when a return probe is in them (fixed in 6.14 and in later stable releases of 6.12 and 6.13); nothing is traced",
			kernel);
		return -EOPNOTSUPP;
	}
	return 0;
}

int features__probe(struct features *features, unsigned int uses, const char *btf_path,
		    bool thorough, char *error, size_t error_size)
{
	uint64_t capabilities = privileges__effective();
	bool root = !geteuid();
	struct btf *types;
	int err;

	libbpf_set_print(print_libbpf);
	memset(features, 0, sizeof(*features));
	for (int i = 0; i < NR_FEATURES; i++)
		features->missing[i] = FEATURE_UNTRIED;
	uname(&features->system);
	err = privileges__check_namespace(error, error_size);
	if (!err)
		err = privileges__check(capabilities, uses, root, error, error_size);
	if (err)
		return err;
	types = load_kernel_types(btf_path, error, error_size);
	if (!types)
		return -EOPNOTSUPP;
	if (feature_trials__perf_events_forbidden())
		err = refuse_perf(capabilities, root, error, error_size);
	else
		err = check_uprobes(features, error, error_size);
	if (!err) {
		probe_exit(features, types, thorough);
		probe_calls(features, thorough);
		probe_rest(features, types);
	}
	btf__free(types);
	/* Sessions and multi links need no perf event, but all else does. */
	if (!err && !features__has(features, FEATURE_UPROBE_PERF) &&
	    !features__has(features, FEATURE_UPROBE_SESSION) &&
	    !features__has(features, FEATURE_UPROBE_MULTI))
		err = refuse_perf(capabilities, root, error, error_size);
	return err;
}
