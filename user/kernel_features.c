// SPDX-License-Identifier: GPL-2.0
/* See kernel_features.h. main asks once, before anything is loaded. */
#include "kernel_features.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "filtered_return.h"
#include "log.h"
#include "privileges.h"
#include "uprobe_link.h"

#define KPROBE_TYPE_FILE "/sys/bus/event_source/devices/kprobe/type"
#define UPROBE_TYPE_FILE "/sys/bus/event_source/devices/uprobe/type"
#define KERNEL_BTF_FILE "/sys/kernel/btf/vmlinux"

static int read_number(const char *path)
{
	FILE *file = fopen(path, "re");
	int number = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%d", &number) != 1)
		number = -1;
	fclose(file);
	return number;
}

/* Opens and closes a kprobe by a perf event: needs no tracefs. */
static bool kprobe_possible(int type, const char *function)
{
	struct perf_event_attr attributes = {
		.size = sizeof(attributes),
		.type = (uint32_t)type,
		.kprobe_func = (uint64_t)(uintptr_t)function,
	};
	long fd = syscall(SYS_perf_event_open, &attributes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0) {
		log__detail("no kprobe on %s: %s", function, strerror(errno));
		return false;
	}
	close((int)fd);
	return true;
}

static bool perf_event_forbidden(const struct perf_event_attr *attributes)
{
	long fd = syscall(SYS_perf_event_open, attributes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd >= 0)
		close((int)fd);
	return fd < 0 && (errno == EACCES || errno == EPERM);
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

/* What records mappings. */
static bool perf_events_forbidden(void)
{
	struct perf_event_attr attributes = {
		.size = sizeof(attributes),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_DUMMY,
	};

	return perf_event_forbidden(&attributes);
}

/* A folder can't be probed; who lacks a capability is told that first. */
static bool perf_uprobes_forbidden(int type)
{
	struct perf_event_attr attributes = {
		.size = sizeof(attributes),
		.type = (uint32_t)type,
		.uprobe_path = (uint64_t)(uintptr_t) "/",
	};

	return perf_event_forbidden(&attributes);
}

static bool has_raw_tracepoint(const struct btf *btf, const char *name)
{
	char type[128];

	snprintf(type, sizeof(type), "btf_trace_%s", name);
	return btf__find_by_name_kind(btf, type, BTF_KIND_TYPEDEF) > 0;
}

/*
 * sched_process_exit passes (context, task) up to 6.15; the change that moved it before the memory
 * is dropped gave it a third argument.
 */
static bool exit_tracepoint_has_group_dead(const struct btf *btf)
{
	int id = btf__find_by_name_kind(btf, "btf_trace_sched_process_exit", BTF_KIND_TYPEDEF);
	const struct btf_type *type;

	if (id < 0)
		return false;
	type = btf__type_by_id(btf, (uint32_t)id); /* typedef of a pointer to a function */
	type = type ? btf__type_by_id(btf, type->type) : NULL;
	type = type ? btf__type_by_id(btf, type->type) : NULL;
	return type && btf_is_func_proto(type) && btf_vlen(type) >= 3;
}

static int probe_btf(struct features *features, const char *btf_path, char *error,
		     size_t error_size)
{
	struct btf *btf = btf_path ? btf__parse(btf_path, NULL) : btf__load_vmlinux_btf();

	if (!btf && btf_path) {
		char reason[128];

		libbpf_strerror(errno, reason, sizeof(reason));
		snprintf(error, error_size, "cannot read kernel type information from %s: %s",
			 btf_path, reason);
		return -EOPNOTSUPP;
	}
	if (!btf) {
		snprintf(
			error, error_size,
			"the kernel has no type information (%s); give the BTF of this very kernel with --btf FILE",
			KERNEL_BTF_FILE);
		return -EOPNOTSUPP;
	}
	features->raw_tp_exit_mmap = has_raw_tracepoint(btf, "exit_mmap");
	features->raw_tp_prepare_exec = has_raw_tracepoint(btf, "sched_prepare_exec");
	features->exit_has_mm = exit_tracepoint_has_group_dead(btf);
	features->on_demand_maps = btf__find_by_name_kind(btf, "bpf_mem_alloc", BTF_KIND_STRUCT) >
				   0;
	btf__free(btf);
	return 0;
}

static void choose_exit_hook(struct features *features)
{
	int type = read_number(KPROBE_TYPE_FILE);

	features->kprobe_exit = type >= 0 && kprobe_possible(type, "exit_mmap") &&
				kprobe_possible(type, "exit_mm_release");
	if (!features->raw_tp_exit_mmap)
		features->exit_hook = EXIT_HOOK_NONE;
	else if (features->kprobe_exit)
		features->exit_hook = EXIT_HOOK_KPROBE;
	else if (features->exit_has_mm)
		features->exit_hook = EXIT_HOOK_TRACEPOINT;
	else
		features->exit_hook = EXIT_HOOK_NONE;
}

/* libbpf's own words are detail: an error of ours is one line. */
static int print_libbpf(enum libbpf_print_level level, const char *format, va_list arguments)
{
	if (level != LIBBPF_DEBUG)
		log__detail_va(format, arguments);
	return 0;
}

int features__probe(struct features *features, unsigned int uses, const char *btf_path, char *error,
		    size_t error_size)
{
	struct utsname name;
	uint64_t capabilities = privileges__effective();
	bool root = !geteuid();
	int err, uprobe_type;

	libbpf_set_print(print_libbpf);
	memset(features, 0, sizeof(*features));
	if (!uname(&name))
		snprintf(features->kernel, sizeof(features->kernel), "%s", name.release);
	err = privileges__check(capabilities, uses, root, error, error_size);
	if (err)
		return err;
	err = probe_btf(features, btf_path, error, error_size);
	if (err)
		return err;
	if (perf_events_forbidden())
		return refuse_perf(capabilities, root, error, error_size);
	uprobe_type = read_number(UPROBE_TYPE_FILE);
	if (uprobe_type < 0) {
		snprintf(
			error, error_size,
			"this kernel has no uprobes (%s is missing); it needs CONFIG_UPROBE_EVENTS",
			UPROBE_TYPE_FILE);
		return -EOPNOTSUPP;
	}
	if (filtered_return__is_suspect(features->kernel) &&
	    filtered_return__is_deadly(uprobe_type) == 1) {
		snprintf(
			error, error_size,
			"kernel %s ends programs that have a seccomp filter when a return probe is in them (fixed in 6.14 and in later stable releases of 6.12 and 6.13); nothing is traced",
			features->kernel);
		return -EOPNOTSUPP;
	}
	choose_exit_hook(features);
	if (features->exit_hook == EXIT_HOOK_NONE) {
		snprintf(
			error, error_size,
			"kernel %s has neither kprobes with the exit_mmap tracepoint nor an exit tracepoint that sees the memory; see KERNELS in memleak-bpf(8)",
			features->kernel);
		return -EOPNOTSUPP;
	}
	features->uprobe_attach = uprobe_link__supported(UPROBE_LINK_SESSION) ?
					  UPROBE_ATTACH_SESSION :
					  UPROBE_ATTACH_PERF;
	if (features->uprobe_attach == UPROBE_ATTACH_PERF && perf_uprobes_forbidden(uprobe_type))
		return refuse_perf(capabilities, root, error, error_size);
	return 0;
}

const char *features__exit_hook_name(enum exit_hook hook)
{
	static const char *const names[] = {
		[EXIT_HOOK_KPROBE] = "kprobe",
		[EXIT_HOOK_TRACEPOINT] = "tracepoint",
		[EXIT_HOOK_NONE] = "none",
	};

	return names[hook];
}

const char *features__uprobe_name(enum uprobe_attach attach)
{
	return attach == UPROBE_ATTACH_SESSION ? "session" : "perf";
}
