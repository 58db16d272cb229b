// SPDX-License-Identifier: GPL-2.0
/*
 * Tells the tracer what file one of its own mappings shows. A file system that is stacked on others
 * (overlayfs) puts the file below it into the mapping: that is the one that uprobes sit on and that
 * stacks are walked by, and no system call names it. Run by user/probes/file_identity.c, in the
 * tracer's own context, with the mapping's address; the answer is in `identified`.
 */
#include "maps.h"

/* So near to the lowest address is the mapping that identify_lowest is asked for. */
#define LOWEST_MAPPINGS 8

struct file_identity identified = {};

static __always_inline void note_file(struct vm_area_struct *vma)
{
	struct file *file = BPF_CORE_READ(vma, vm_file);
	struct inode *inode;

	if (!file)
		return;
	inode = BPF_CORE_READ(file, f_inode);
	identified.address = (__u64)inode;
	identified.key.inode = BPF_CORE_READ(inode, i_ino);
	identified.key.device = BPF_CORE_READ(inode, i_sb, s_dev);
	identified.filesystem = BPF_CORE_READ(inode, i_sb, s_magic);
	identified.key.generation = BPF_CORE_READ(inode, i_generation);
}

static long note_found(struct task_struct *task, struct vm_area_struct *vma, void *context)
{
	note_file(vma);
	return 0;
}

SEC("raw_tp")
int identify(__u64 *ctx)
{
	__u64 nothing = 0;

	return bpf_find_vma((struct task_struct *)bpf_get_current_task_btf(), ctx[0], note_found,
			    &nothing, 0);
}

/* Up to 5.16, where mappings are in a list by address: one of the first in it. */
SEC("raw_tp")
int identify_lowest(__u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct mm_struct___listed *mm = (struct mm_struct___listed *)BPF_CORE_READ(task, mm);
	struct vm_area_struct *vma;

	if (!bpf_core_field_exists(mm->mmap))
		return -1;
	vma = BPF_CORE_READ(mm, mmap);
#pragma unroll
	for (int i = 0; i < LOWEST_MAPPINGS; i++) {
		struct vm_area_struct___listed *listed = (void *)vma;

		if (!vma)
			return -1;
		if (BPF_CORE_READ(vma, vm_start) == ctx[0]) {
			note_file(vma);
			return 0;
		}
		vma = BPF_CORE_READ(listed, vm_next);
	}
	return -1;
}
