// SPDX-License-Identifier: GPL-2.0
/*
 * --hold-new: stops a process that has just mapped the code of a file which the tracer has not
 * looked into yet, before it runs any of that code. user/probes/holds.c loads this; the tracer
 * looks into the file and lets the process go on, and user/probes/hold_keeper.c does where the
 * tracer can't. x86-64 only, for the number of mmap and its arguments.
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "wire.h"
#include "wire_hold.h"

char LICENSE[] SEC("license") = "GPL";

#define SYSCALL_MMAP 9
#define PROT_EXEC 4
#define LOWEST_ADDRESS 0x1000
#define HIGHEST_ADDRESS (1ULL << 56) /* with five levels of page tables */
#define PAGE_MASK 0xfff
#define VM_EXEC 0x4
#define S_IFMT 0170000
#define S_IFREG 0100000
#define SIGCONT 18
#define SIGSTOP 19
#define SIGTTOU 22
#define SIG_IGNORED 1UL
#define SIGNAL_UNKILLABLE 0x40 /* the first process of a PID namespace */
#define MAX_ANCESTORS 4
/* A parent learns of the stop at once, but a busy machine can keep it from acting on it. */
#define PARENT_NS (HOLD_BOUND_NS + 500000000ULL)

/* Set by user space before load: the tracer first, then its helpers and ancestors; 0: the end. */
const volatile __u32 spared[HOLD_MAX_SPARED] = {};
/* -f: only processes in `targets` are held. */
const volatile bool only_targets = false;

struct hold_control control = {};

/* The files that were looked into. Written by the tracer and the keeper, read by BPF. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, HOLD_MAX_KNOWN);
	__type(key, struct hold_file);
	__type(value, struct hold_stamp);
} known_files SEC(".maps");

/* By tgid. Written by BPF; read by the tracer and the keeper. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, HOLD_MAX_HELD);
	__type(key, __u32);
	__type(value, struct held);
} held SEC(".maps");

/* By tgid. Written by BPF; read, and deleted when they are old, by the keeper. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, HOLD_MAX_HELD);
	__type(key, __u32);
	__type(value, struct hold_parent);
} hold_parents SEC(".maps");

/* The tracer's, see maps.h. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct target);
} targets SEC(".maps");

/* For the tracer. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, HOLD_RING_BYTES);
} hold_events SEC(".maps");

static __always_inline bool may_hold(void)
{
	return bpf_ktime_get_ns() < *(volatile __u64 *)&control.until_ns;
}

static __always_inline void read_stamp(struct inode *inode, struct hold_stamp *stamp)
{
	struct inode___sec *by_second = (void *)inode;
	struct inode___hidden *hidden = (void *)inode;
	struct inode___open *open = (void *)inode;

	stamp->size_bytes = BPF_CORE_READ(inode, i_size);
	if (bpf_core_field_exists(by_second->i_mtime_sec)) {
		stamp->modified_s = BPF_CORE_READ(by_second, i_mtime_sec);
		stamp->modified_ns = BPF_CORE_READ(by_second, i_mtime_nsec);
	} else if (bpf_core_field_exists(hidden->__i_mtime)) {
		stamp->modified_s = BPF_CORE_READ(hidden, __i_mtime.tv_sec);
		stamp->modified_ns = BPF_CORE_READ(hidden, __i_mtime.tv_nsec);
	} else {
		stamp->modified_s = BPF_CORE_READ(open, i_mtime.tv_sec);
		stamp->modified_ns = BPF_CORE_READ(open, i_mtime.tv_nsec);
	}
}

/* Leaves *seen alone unless the mapping is the code of a regular file. */
static long note_file(struct task_struct *task, struct vm_area_struct *vma, struct hold_seen *seen)
{
	struct file *file = BPF_CORE_READ(vma, vm_file);
	struct file_identity identity = {};
	struct inode *inode;

	if (!file || !(BPF_CORE_READ(vma, vm_flags) & VM_EXEC))
		return 0;
	inode = BPF_CORE_READ(file, f_inode);
	if ((BPF_CORE_READ(inode, i_mode) & S_IFMT) != S_IFREG)
		return 0;
	identity.address = (__u64)inode;
	identity.filesystem = BPF_CORE_READ(inode, i_sb, s_magic);
	identity.key.inode = BPF_CORE_READ(inode, i_ino);
	identity.key.device = BPF_CORE_READ(inode, i_sb, s_dev);
	identity.key.generation = BPF_CORE_READ(inode, i_generation);
	seen->file = hold_file_of(&identity);
	read_stamp(inode, &seen->stamp);
	return 0;
}

/* Finds the file that is mapped there. Returns whether it is one that was not looked into. */
static __always_inline bool is_new(__u64 address, struct hold_seen *seen)
{
	const struct hold_stamp *known;

	if (bpf_find_vma(bpf_get_current_task_btf(), address, note_file, seen, 0) ||
	    !seen->file.inode)
		return false;
	known = bpf_map_lookup_elem(&known_files, &seen->file);
	if (known && known->size_bytes == seen->stamp.size_bytes &&
	    known->modified_s == seen->stamp.modified_s &&
	    known->modified_ns == seen->stamp.modified_ns) {
		seen->file.inode = 0;
		return false;
	}
	return true;
}

static __always_inline bool is_spared(__u32 tgid)
{
#pragma unroll
	for (int i = 0; i < HOLD_MAX_SPARED; i++)
		if (spared[i] && spared[i] == tgid)
			return true;
	return false;
}

/*
 * The tracer must never wait for a process that waits for the tracer. It waits for its own helpers
 * alone, which are no targets, even if its command is one.
 */
static __always_inline bool is_relative(struct task_struct *task)
{
	__u32 tgid = BPF_CORE_READ(task, tgid);
	struct task_struct *ancestor = task;

	if (is_spared(tgid))
		return true;
	if (only_targets)
		return !bpf_map_lookup_elem(&targets, &tgid);
#pragma unroll
	for (int i = 0; i < MAX_ANCESTORS; i++) {
		ancestor = BPF_CORE_READ(ancestor, real_parent);
		if ((__u32)BPF_CORE_READ(ancestor, tgid) == spared[0])
			return true;
	}
	return false;
}

/* The program would notice the SIGCONT: it has a handler for it, or waits for it (sigwait). */
static __always_inline bool notices_continuing(struct task_struct *task)
{
	unsigned long handler =
		(unsigned long)BPF_CORE_READ(task, sighand, action[SIGCONT - 1].sa.sa_handler);

	return handler > SIG_IGNORED || BPF_CORE_READ(task, blocked.sig[0]) & 1UL << (SIGCONT - 1);
}

/*
 * The group of a session's leader has no group beside it that it depends on. When another group
 * loses the last process that does job control for it, the kernel sends SIGHUP to it if one of its
 * processes is stopped.
 */
static __always_inline bool is_in_leading_group(struct signal_struct *signal)
{
	return BPF_CORE_READ(signal, pids[PIDTYPE_PGID]) ==
	       BPF_CORE_READ(signal, pids[PIDTYPE_SID]);
}

/* Would nobody come to harm by a stop and a continuing? */
static __always_inline bool can_be_held(struct task_struct *task)
{
	struct task_struct *parent = BPF_CORE_READ(task, real_parent);
	struct signal_struct *signal = BPF_CORE_READ(task, signal);

	/* The calls of other threads would be missed, and a thread can have started an exit. */
	if (BPF_CORE_READ(signal, nr_threads) != 1)
		return false;
	if (BPF_CORE_READ(signal, flags) & SIGNAL_UNKILLABLE)
		return false;
	/* A debugger sees each stop. */
	if (BPF_CORE_READ(task, ptrace))
		return false;
	/* A shell with job control takes a stop for Ctrl-Z. */
	if (BPF_CORE_READ(signal, tty) || BPF_CORE_READ(parent, signal, tty))
		return false;
	return is_in_leading_group(signal) && !notices_continuing(task) && !is_relative(task);
}

/* The parent may have stopped itself already, for another child. */
static __always_inline void mind_parent(__u32 parent, __u32 child, __u64 now_ns)
{
	struct hold_parent minded = { .until_ns = now_ns + PARENT_NS, .child_tgid = child };
	struct hold_parent *before = bpf_map_lookup_elem(&hold_parents, &parent);

	if (before && now_ns < before->until_ns)
		minded.stopped_ns = before->stopped_ns;
	bpf_map_update_elem(&hold_parents, &parent, &minded, BPF_ANY);
}

/* The entry is there before the process can stop: whoever finds it can undo the stop. */
static __always_inline void stop(struct task_struct *task, struct hold_event *event)
{
	__u32 tgid = BPF_CORE_READ(task, tgid), parent = BPF_CORE_READ(task, real_parent, tgid);
	struct held entry = { .from_ns = bpf_ktime_get_ns(),
			      .start_ns = BPF_CORE_READ(task, start_boottime) };
	struct hold_event *record;

	entry.seen[0] = event->seen[0];
	entry.seen[1] = event->seen[1];
	record = bpf_ringbuf_reserve(&hold_events, sizeof(*record), 0);
	if (!record)
		return;
	if (bpf_map_update_elem(&held, &tgid, &entry, BPF_NOEXIST)) {
		bpf_ringbuf_discard(record, 0);
		return;
	}
	mind_parent(parent, tgid, entry.from_ns);
	*record = *event;
	record->type = HOLD_EVENT_HELD;
	record->tgid = tgid;
	record->from_ns = entry.from_ns;
	if (bpf_send_signal_thread(SIGSTOP)) {
		bpf_map_delete_elem(&held, &tgid);
		bpf_ringbuf_discard(record, 0);
		return;
	}
	bpf_ringbuf_submit(record, BPF_RB_FORCE_WAKEUP);
}

/* args: task, old tid, bprm. The program and its interpreter are mapped, and have not run yet. */
SEC("raw_tp/sched_process_exec")
int hold_exec(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	struct hold_event event = {};
	bool program, interpreter;

	if (!may_hold())
		return 0;
	program = is_new(BPF_CORE_READ(task, mm, start_code), &event.seen[0]);
	/* Where the new program begins: in its interpreter, if it has one. */
	interpreter = is_new(BPF_PROBE_READ(regs, ip), &event.seen[1]);
	if ((program || interpreter) && can_be_held(task))
		stop(task, &event);
	return 0;
}

/*
 * args: registers, result. It runs at each system call of the machine, and most leave at once: few
 * return something like the address of a page.
 */
SEC("raw_tp/sys_exit")
int hold_mmap(__u64 *ctx)
{
	__u64 address = ctx[1];
	struct pt_regs *regs = (struct pt_regs *)ctx[0];
	struct hold_event event = { .address = address };
	struct task_struct *task;

	if (address & PAGE_MASK || address - LOWEST_ADDRESS >= HIGHEST_ADDRESS - LOWEST_ADDRESS)
		return 0;
	if (BPF_PROBE_READ(regs, orig_ax) != SYSCALL_MMAP ||
	    !(BPF_PROBE_READ(regs, dx) & PROT_EXEC) || !may_hold())
		return 0;
	task = bpf_get_current_task_btf();
	if (is_new(address, &event.seen[0]) && can_be_held(task))
		stop(task, &event);
	return 0;
}

/* From here on the process is nobody's business but its own. */
static __always_inline void end_hold(__u32 tgid, const struct held *entry)
{
	struct hold_event *record = bpf_ringbuf_reserve(&hold_events, sizeof(*record), 0);

	if (record) {
		__builtin_memset(record, 0, sizeof(*record));
		record->type = HOLD_EVENT_RELEASED;
		record->tgid = tgid;
		record->from_ns = entry->from_ns;
		record->until_ns = bpf_ktime_get_ns();
		bpf_ringbuf_submit(record, 0);
	}
	bpf_map_delete_elem(&held, &tgid);
}

static __always_inline void note_own_stop(__u32 tgid)
{
	struct hold_parent *parent;

	if ((__u32)(bpf_get_current_pid_tgid() >> 32) != tgid)
		return;
	parent = bpf_map_lookup_elem(&hold_parents, &tgid);
	if (parent && bpf_ktime_get_ns() < parent->until_ns)
		parent->stopped_ns = bpf_ktime_get_ns();
}

/*
 * args: signal, info, task, group, result. The stop is only ours until somebody else sends a signal
 * that stops or continues: from then on the process is theirs, as if it had never been held.
 */
SEC("raw_tp/signal_generate")
int hold_signal(struct bpf_raw_tracepoint_args *ctx)
{
	int signal = (int)ctx->args[0];
	struct task_struct *task = (struct task_struct *)ctx->args[2];
	struct held *entry;
	__u32 tgid;

	if (signal < SIGCONT || signal > SIGTTOU)
		return 0;
	tgid = BPF_CORE_READ(task, tgid);
	entry = bpf_map_lookup_elem(&held, &tgid);
	if (signal == SIGCONT) {
		if (entry && entry->stopped)
			end_hold(tgid, entry);
		return 0;
	}
	if (!entry)
		note_own_stop(tgid);
	else if (!entry->stopped && signal == SIGSTOP)
		entry->stopped = 1;
	else if (signal == SIGSTOP)
		end_hold(tgid, entry);
	return 0;
}

/* args: task. Its number will be another's. */
SEC("raw_tp/sched_process_exit")
int hold_exit(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx->args[0];
	__u32 tgid = BPF_CORE_READ(task, tgid);
	struct held *entry;

	if ((__u32)BPF_CORE_READ(task, pid) != tgid)
		return 0;
	entry = bpf_map_lookup_elem(&held, &tgid);
	if (entry)
		end_hold(tgid, entry);
	bpf_map_delete_elem(&hold_parents, &tgid);
	return 0;
}
