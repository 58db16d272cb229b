// SPDX-License-Identifier: GPL-2.0
/* See feature_trials.h. Called by kernel_features.c and tracer.c. */
#include "probes/feature_trials.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int feature_trials__perf_type(const char *kind)
{
	char path[128];
	int number = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/bus/event_source/devices/%s/type", kind);
	file = fopen(path, "re");
	if (!file)
		return -1;
	if (fscanf(file, "%d", &number) != 1)
		number = -1;
	fclose(file);
	return number;
}

/* Opens and closes the event. Returns 0 or the errno. */
static int try_perf_event(const struct perf_event_attr *attributes)
{
	long fd = syscall(SYS_perf_event_open, attributes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0)
		return errno;
	close((int)fd);
	return 0;
}

static bool is_forbidden(int err)
{
	return err == EACCES || err == EPERM;
}

bool feature_trials__perf_events_forbidden(void)
{
	struct perf_event_attr attributes = {
		.size = sizeof(attributes),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_DUMMY,
	};

	return is_forbidden(try_perf_event(&attributes));
}

/* A perf event needs no tracefs. */
int feature_trials__kprobe(const char *function)
{
	int type = feature_trials__perf_type("kprobe");
	struct perf_event_attr attributes = {
		.size = sizeof(attributes),
		.type = (uint32_t)type,
		.kprobe_func = (uint64_t)(uintptr_t)function,
	};

	return type < 0 ? EOPNOTSUPP : try_perf_event(&attributes);
}

/* Directories can't be probed, but a missing capability is reported before that error. */
int feature_trials__perf_uprobe(void)
{
	int type = feature_trials__perf_type("uprobe"), err;
	struct perf_event_attr attributes = {
		.size = sizeof(attributes),
		.type = (uint32_t)type,
		.uprobe_path = (uint64_t)(uintptr_t) "/",
	};

	if (type < 0)
		return EOPNOTSUPP;
	err = try_perf_event(&attributes);
	return is_forbidden(err) ? err : 0;
}

int feature_trials__fentry(const struct btf *kernel_types, const char *function)
{
	/* r0 = 0; exit */
	const struct bpf_insn empty[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_FENTRY);
	int id = btf__find_by_name_kind(kernel_types, function, BTF_KIND_FUNC);
	int program, link, err = 0;

	if (id < 0)
		return EOPNOTSUPP;
	options.attach_btf_id = (uint32_t)id;
	program = bpf_prog_load(BPF_PROG_TYPE_TRACING, NULL, "GPL", empty,
				sizeof(empty) / sizeof(empty[0]), &options);
	if (program < 0)
		return -program;
	link = bpf_raw_tracepoint_open(NULL, program);
	if (link < 0)
		err = -link;
	else
		close(link);
	close(program);
	return err;
}

int feature_trials__raw_tracepoint(const struct btf *kernel_types, const char *name)
{
	char type[128];

	snprintf(type, sizeof(type), "btf_trace_%s", name);
	return btf__find_by_name_kind(kernel_types, type, BTF_KIND_TYPEDEF) > 0 ? 0 : EOPNOTSUPP;
}

int feature_trials__type(const struct btf *kernel_types, const char *structure)
{
	return btf__find_by_name_kind(kernel_types, structure, BTF_KIND_STRUCT) > 0 ? 0 :
										      EOPNOTSUPP;
}

/*
 * sched_process_exit has two arguments (context, task) up to Linux 6.15. The change that moved it
 * before the release of the memory added a third argument.
 */
int feature_trials__exit_has_memory(const struct btf *kernel_types)
{
	int id = btf__find_by_name_kind(kernel_types, "btf_trace_sched_process_exit",
					BTF_KIND_TYPEDEF);
	const struct btf_type *type;

	if (id < 0)
		return EOPNOTSUPP;
	/* The type is a typedef of a pointer to a function. */
	type = btf__type_by_id(kernel_types, (uint32_t)id);
	type = type ? btf__type_by_id(kernel_types, type->type) : NULL;
	type = type ? btf__type_by_id(kernel_types, type->type) : NULL;
	return type && btf_is_func_proto(type) && btf_vlen(type) >= 3 ? 0 : EOPNOTSUPP;
}

int feature_trials__helper(enum bpf_func_id helper)
{
	int found = libbpf_probe_bpf_helper(BPF_PROG_TYPE_KPROBE, helper, NULL);

	return found > 0 ? 0 : found < 0 ? -found : EOPNOTSUPP;
}

/*
 * Since Linux 6.12, a kernel can be configured, when built or booted, to refuse writes that a
 * debugger could always make. The trial writes the byte that is already there.
 */
int feature_trials__write_text(void)
{
	off_t address = (off_t)(uintptr_t)feature_trials__write_text;
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC), err = 0;
	char byte;

	if (fd < 0)
		return errno;
	if (pread(fd, &byte, 1, address) != 1 || pwrite(fd, &byte, 1, address) != 1)
		err = errno;
	close(fd);
	return err;
}
