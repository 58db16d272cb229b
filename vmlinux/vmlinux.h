/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel types that the BPF side names, and of those only the fields that it reads. CO-RE
 * relocates every access to the running kernel's layout (preserve_access_index), so no BTF is
 * needed at build time and field order here means nothing. A suffix ___x is a flavour: another
 * kernel's shape of the same type, told apart by bpf_core_field_exists.
 */
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef int pid_t;

struct list_head {
	struct list_head *next, *prev;
};

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	__s64 counter;
} atomic_long_t;

/* Since 6.2 a resident-set counter is a base and one signed delta for each CPU. */
struct percpu_counter {
	__s64 count;
	__s32 *counters;
};

/* Up to 6.1. */
struct mm_rss_stat {
	atomic_long_t count[4];
};

struct xol_area {
	unsigned long vaddr; /* the page with the return trampoline of uretprobes */
};

struct uprobes_state {
	struct xol_area *xol_area;
};

typedef struct {
	void *vdso; /* where its code begins */
} mm_context_t;

struct mm_struct {
	mm_context_t context;
	atomic_long_t pgtables_bytes;
	unsigned long total_vm;
	unsigned long flags;
	struct percpu_counter rss_stat[4];
	atomic_long_t hugetlb_usage;
	unsigned long ksm_merging_pages;
	struct uprobes_state uprobes_state;
	unsigned long exec_vm; /* pages of executable mappings */
	unsigned long start_code;
};

/*
 * Counts each taking and each release of the lock for writing: Linux 6.4, and a seqcount from 6.13
 * on.
 */
struct mm_struct___counted {
	int mm_lock_seq;
};

typedef struct seqcount {
	unsigned int sequence;
} seqcount_t;

struct mm_struct___sequenced {
	seqcount_t mm_lock_seq;
};

struct mm_struct___old {
	struct mm_rss_stat rss_stat;
};

/* The list of mappings by address, up to 6.0. */
struct mm_struct___listed {
	struct vm_area_struct *mmap;
};

/* From 6.18 on the flags are a bitmap in a struct. */
typedef struct {
	unsigned long __mm_flags[1];
} mm_flags_t;

struct mm_struct___bitmap {
	mm_flags_t flags;
};

struct pid_namespace;

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

enum pid_type { PIDTYPE_PID, PIDTYPE_TGID, PIDTYPE_PGID, PIDTYPE_SID };

struct tty_struct;

struct sigaction {
	void *sa_handler;
};

struct k_sigaction {
	struct sigaction sa;
};

struct sighand_struct {
	struct k_sigaction action[64]; /* by signal - 1 */
};

typedef struct {
	unsigned long sig[1];
} sigset_t;

struct signal_struct {
	atomic_t live;
	int nr_threads;
	struct pid *pids[4]; /* by enum pid_type */
	struct tty_struct *tty; /* the controlling terminal */
	int group_exit_code;
	unsigned int flags;
	struct mm_struct *oom_mm;
};

struct task_struct {
	unsigned int flags;
	struct mm_struct *mm;
	int exit_code;
	pid_t pid;
	pid_t tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	__u64 start_time; /* CLOCK_MONOTONIC */
	__u64 start_boottime; /* CLOCK_BOOTTIME */
	unsigned int ptrace; /* 0: nobody traces it */
	char comm[16];
	struct signal_struct *signal;
	struct sighand_struct *sighand;
	sigset_t blocked;
	unsigned long sas_ss_sp;
	size_t sas_ss_size;
};

/* Up to 6.1. */
struct task_rss_stat {
	int count[4];
};

struct task_struct___old {
	struct task_rss_stat rss_stat;
};

struct linux_binprm;

struct page {
	unsigned long flags;
	void *mapping;
};

struct bpf_map {
	__u32 id;
};

struct bpf_array {
	struct bpf_map map;
	void *pptrs[1];
};

struct super_block {
	__u32 s_dev; /* major << 20 | minor */
	unsigned long s_magic;
};

struct inode {
	unsigned short i_mode;
	struct super_block *i_sb;
	unsigned long i_ino;
	__u32 i_generation;
	__u64 i_blocks; /* of 512 bytes */
	__s64 i_size;
};

struct timespec64 {
	__s64 tv_sec;
	long tv_nsec;
};

/* When it was last modified: up to 6.6, up to 6.10, and since 6.11. */
struct inode___open {
	struct timespec64 i_mtime;
};

struct inode___hidden {
	struct timespec64 __i_mtime;
};

struct inode___sec {
	__s64 i_mtime_sec;
	__u32 i_mtime_nsec;
};

struct qstr {
	const unsigned char *name;
};

struct dentry {
	struct qstr d_name;
};

struct path {
	struct dentry *dentry;
};

struct file {
	struct inode *f_inode;
	struct path f_path;
};

struct vm_area_struct {
	unsigned long vm_start, vm_end;
	unsigned long vm_pgoff; /* pages */
	unsigned long vm_flags;
	struct file *vm_file;
};

struct vm_area_struct___listed {
	struct vm_area_struct *vm_next;
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	struct file *file;
};

struct bpf_iter__task_vma {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	struct vm_area_struct *vma;
};

/* The record of tracepoint exit_mmap, which fires when the memory is gone; since 6.1. */
struct trace_event_raw_exit_mmap {
	struct mm_struct *mm;
};

#pragma clang attribute pop

/* The context of uprobes: read as it is, its layout is ABI. */
#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di;
	unsigned long orig_ax, ip, cs, flags, sp, ss;
};
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
	__u64 regs[31];
	__u64 sp, pc, pstate;
};
struct pt_regs {
	struct user_pt_regs user_regs;
};
#endif

#endif
