// SPDX-License-Identifier: GPL-2.0
/*
 * Which process has which file in memory open or mapped. These are iterators: they run when user
 * space reads them, over every process, also those that /proc hides. They are an object of their
 * own, which user/stays/holder_scan.c loads when it first needs it.
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "wire.h"

char LICENSE[] SEC("license") = "GPL";

#define TMPFS_MAGIC \
	0x01021994 /* and the kernel's own mount for memfd, System V, shared anonymous */
#define HUGETLBFS_MAGIC 0x958458f6
#define S_IFMT 0170000
#define S_IFREG 0100000
#define VM_MAYSHARE 0x00000080
#define BYTES_OF_A_BLOCK 512

static __always_inline bool is_sysv(struct file *file)
{
	char name[4] = {};

	bpf_probe_read_kernel(name, sizeof(name), BPF_CORE_READ(file, f_path.dentry, d_name.name));
	return name[0] == 'S' && name[1] == 'Y' && name[2] == 'S' && name[3] == 'V';
}

static __always_inline int write_holder(struct seq_file *out, struct task_struct *task,
					struct file *file, __u32 ways)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	unsigned long magic = BPF_CORE_READ(inode, i_sb, s_magic);
	struct holder holder = {};

	/* Devices and sockets only have their names there; their content is not memory. */
	if ((magic != TMPFS_MAGIC && magic != HUGETLBFS_MAGIC) ||
	    (BPF_CORE_READ(inode, i_mode) & S_IFMT) != S_IFREG)
		return 0;
	holder.inode = BPF_CORE_READ(inode, i_ino);
	holder.bytes = BPF_CORE_READ(inode, i_blocks) * BYTES_OF_A_BLOCK;
	holder.device = BPF_CORE_READ(inode, i_sb, s_dev);
	holder.tgid = BPF_CORE_READ(task, tgid);
	holder.ways = ways;
	holder.sysv = is_sysv(file);
	/* The next read shows an entry again that did not fit into the reader's buffer. */
	bpf_seq_write(out, &holder, sizeof(holder));
	return 0;
}

SEC("iter/task_file")
int open_files(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;

	if (!task || !file)
		return 0; /* the end */
	return write_holder(ctx->meta->seq, task, file, HOLDING_OPEN);
}

SEC("iter/task_vma")
int mapped_files(struct bpf_iter__task_vma *ctx)
{
	struct task_struct *task = ctx->task;
	struct vm_area_struct *vma = ctx->vma;
	__u32 ways = HOLDING_MAPPED;
	struct file *file;

	if (!task || !vma)
		return 0; /* the end */
	file = BPF_CORE_READ(vma, vm_file);
	if (BPF_CORE_READ(vma, vm_flags) & VM_MAYSHARE)
		ways |= HOLDING_SHARED;
	return file ? write_holder(ctx->meta->seq, task, file, ways) : 0;
}
