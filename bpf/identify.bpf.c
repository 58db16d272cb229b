// SPDX-License-Identifier: GPL-2.0
/*
 * Tells the tracer which file one of its own mappings shows. A stacked file system (overlayfs) puts
 * the file below it into the mapping. Uprobes are on that file, and stacks are walked by it, but no
 * system call names it. user/probes/file_identity.c runs this in the context of the tracer, with
 * the address of the mapping; the answer is in `identified`.
 */
#include "maps.h"

/* identify_lowest finds a mapping only among so many at the lowest addresses. */
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

/* For kernels up to 5.16, where mappings are a list by address: finds one of the first. */
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
