// SPDX-License-Identifier: GPL-2.0
/*
 * See uprobe_link.h. Called by allocator_links.c with the skeleton's programs, and by
 * kernel_features.c.
 */
#include "probes/uprobe_link.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The part of union bpf_attr that BPF_LINK_CREATE reads for these links (Linux 6.6). */
struct link_create {
	uint32_t program_fd;
	uint32_t target_fd;
	uint32_t attach_type;
	uint32_t flags;
	uint64_t path;
	uint64_t offsets;
	uint64_t reference_counters;
	uint64_t cookies;
	uint32_t nr;
	uint32_t multi_flags;
	uint32_t pid;
	uint32_t pad;
};

#define RETURNS (1U << 0) /* BPF_F_UPROBE_MULTI_RETURN */

static int create(const struct uprobe_link_request *request, const char *path)
{
	struct link_create attributes = {
		.program_fd = (uint32_t)request->program_fd,
		.attach_type = request->attach_type,
		.path = (uint64_t)(uintptr_t)path,
		.offsets = (uint64_t)(uintptr_t)request->offsets,
		.cookies = (uint64_t)(uintptr_t)request->cookies,
		.nr = (uint32_t)request->nr,
		.multi_flags = request->returns ? RETURNS : 0,
		.pid = (uint32_t)request->pid,
	};
	long fd = syscall(SYS_bpf, BPF_LINK_CREATE, &attributes, sizeof(attributes));

	return fd < 0 ? -errno : (int)fd;
}

int uprobe_link__create(const struct uprobe_link_request *request)
{
	char path[64];

	/*
	 * The path goes through /proc so that the kernel takes the very inode that was looked into.
	 */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", request->file_fd);
	return create(request, path);
}

bool uprobe_link__supported(enum uprobe_link_type attach_type)
{
	/* r0 = 0; exit */
	struct bpf_insn empty[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	uint64_t offset = 0;
	struct uprobe_link_request request = { .attach_type = attach_type,
					       .offsets = &offset,
					       .nr = 1 };
	union bpf_attr load;
	int link_fd;

	memset(&load, 0, sizeof(load));
	load.prog_type = BPF_PROG_TYPE_KPROBE;
	load.expected_attach_type = attach_type;
	load.insns = (uint64_t)(uintptr_t)empty;
	load.insn_cnt = sizeof(empty) / sizeof(empty[0]);
	load.license = (uint64_t)(uintptr_t) "GPL";
	request.program_fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof(load));
	if (request.program_fd < 0)
		return false;
	/*
	 * Directories can't be probed: a kernel that knows the type returns EBADF, another EINVAL.
	 */
	link_fd = create(&request, "/");
	close(request.program_fd);
	if (link_fd >= 0)
		close(link_fd);
	return link_fd == -EBADF;
}
