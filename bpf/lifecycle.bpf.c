// SPDX-License-Identifier: GPL-2.0
/*
 * The ends of processes and of their address spaces. One policy, reached by different hooks:
 *
 *                    fentry                  kprobes                 neither
 *   process ends     fentry exit_mm_release  kprobe exit_mm_release  -
 *                    raw_tp sched_process_exit, from 6.16 on
 *   exec begins      raw_tp sched_prepare_exec, from 6.10 on
 *   before teardown  fentry exit_mmap        kprobe exit_mmap        these two
 *   after teardown   raw_tp exit_mmap, else fexit exit_mmap, else kretprobe exit_mmap
 *
 * A kernel that preempts itself (the default from 7.0 on) sometimes skips a program. It skips a
 * program on a kprobe or a perf event while a preempted task on that CPU is in a bpf system call,
 * and any other program while a preempted task is in the same program. (Disabling preemption inside
 * the program does not help: the task is preempted as soon as that ends, still in the program.) So
 * no end depends on a single program. Each of these tracepoints has two programs, and the second
 * finds nothing left to do. The end of a teardown, after which there is nothing to see, has a third
 * program on a perf event. If the hook before the teardown is skipped, the counters that were read
 * at the end of the process or at its exec stand in. fentry is preferred to kprobes.
 *
 * In exit_mmap the current task has no mm any more, or a new one (exec). It may also belong to
 * another process, which dropped the last reference, such as a reader of smaps. So the hooks there
 * find the record by the mm pointer alone.
 */
#include "allocator.h"
#include "memory.h"
#include "spaces.h"

#define PF_EXITING 0x00000004
#define SIGNAL_GROUP_EXIT 0x00000004
#define SIGKILL 9

static __always_inline bool last_thread(struct task_struct *task)
{
	return BPF_CORE_READ(task, signal, live.counter) == 0;
}

/* The status that wait(2) will report: the group's, else that of the leader. */
static __always_inline __u32 exit_status(struct task_struct *task)
{
	if (BPF_CORE_READ(task, signal, flags) & SIGNAL_GROUP_EXIT)
		return BPF_CORE_READ(task, signal, group_exit_code);
	return BPF_CORE_READ(task, group_leader, exit_code);
}

/*
 * Notes how the process ended. Only the OOM killer sets signal->oom_mm, for its victim; a victim
 * that had already ended by itself has another status than SIGKILL.
 */
static __always_inline void note_process_end(struct space *space, struct task_struct *task)
{
	space->exit_code = exit_status(task);
	space->process_end_ns = bpf_ktime_get_ns();
	/* The last thread to end may have a name of its own. */
	BPF_CORE_READ_STR_INTO(&space->comm, task, group_leader, comm);
	if (BPF_CORE_READ(task, signal, oom_mm) && (space->exit_code & 0x7f) == SIGKILL)
		space->flags |= SPACE_OOM;
	space->flags &= ~(__u64)SPACE_EXEC;
	space->flags |= SPACE_PROCESS_ENDED;
}

static __always_inline void note_before(struct space *space)
{
	read_memory(space->mm, &space->before);
	if (memory_was_merged(space->mm))
		space->flags |= SPACE_MERGED;
	space->flags |= SPACE_BEFORE_READ;
}

/* Reads the counters early. They stand in if the read just before the teardown is missed. */
static __always_inline void note_early(struct space *space)
{
	struct memory_counters now = {};

	read_memory(space->mm, &now);
	keep_larger(&space->early, &now);
	space->flags |= SPACE_EARLY_READ;
}

/* From here on, page frames that this task frees belong to that teardown. */
static __always_inline void open_teardown(__u64 mm)
{
	__u32 tid = (__u32)bpf_get_current_pid_tgid();
	struct teardown teardown = { .mm = mm };

	bpf_map_update_elem(&teardowns, &tid, &teardown, BPF_ANY);
}

/*
 * The kernel knows the process of a link by the memory of its first thread. After that thread has
 * left, the kernel removes the breakpoints whenever another probe leaves the same place. User space
 * keeps them in by a link of its own.
 */
static __always_inline void note_leader_left(struct space *space, struct task_struct *task)
{
	if (!config_scoped || BPF_CORE_READ(task, pid) != BPF_CORE_READ(task, tgid) ||
	    space->flags & (SPACE_EXEC | SPACE_LEADER_LEFT) ||
	    BPF_CORE_READ(task, signal, flags) & SIGNAL_GROUP_EXIT)
		return;
	space->flags |= SPACE_LEADER_LEFT;
	ring_doorbell();
}

/* A thread ends, and still has its mm. */
static __always_inline void thread_ends(struct task_struct *task, __u64 mm)
{
	struct space *space = space_of_task(task, mm);
	bool known;

	if (space)
		count_lost_return(space);
	/* A vfork child does not own the memory that it leaves. */
	if (!space || space->tgid != (__u32)BPF_CORE_READ(task, tgid))
		return;
	if (last_thread(task)) {
		known = space->flags & SPACE_PROCESS_ENDED;
		note_process_end(space, task);
		if (config_exit_by_tracepoint) {
			note_before(space);
			open_teardown(mm);
		} else {
			note_early(space);
		}
		if (!known)
			ring_doorbell();
		return;
	}
	note_leader_left(space, task);
	/* exec waits for its sibling threads to end: the last reading is the best. */
	if (config_exit_by_tracepoint && space->flags & SPACE_EXEC)
		note_before(space);
}

/*
 * A task that tears down the memory of its own process has either just left it by exec, or is at
 * its end.
 */
static __always_inline void note_unseen_end(struct space *space)
{
	struct task_struct *task = current_task();

	if (space->flags & (SPACE_PROCESS_ENDED | SPACE_EXEC) || space->tgid != current_tgid())
		return;
	if (!(BPF_CORE_READ(task, flags) & PF_EXITING))
		space->flags |= SPACE_EXEC;
	else if (last_thread(task))
		note_process_end(space, task);
}

static __always_inline int teardown_begins(__u64 mm)
{
	struct space *space = space_of_mm(mm);

	if (!space)
		return 0;
	note_before(space);
	note_unseen_end(space);
	open_teardown(mm);
	return 0;
}

static __always_inline void close_teardown(struct space *space)
{
	__u32 tid = (__u32)bpf_get_current_pid_tgid();
	struct teardown *teardown = bpf_map_lookup_elem(&teardowns, &tid);

	if (!teardown || teardown->mm != space->mm)
		return; /* another task tore it down, and no hook saw that */
	space->freed_anon_pages = teardown->anon_pages;
	space->freed_other_pages = teardown->other_pages;
	space->flags |= SPACE_FRAMES_MEASURED;
	bpf_map_delete_elem(&teardowns, &tid);
}

/*
 * A forked copy is gone, so its parent need not leave ghosts for it. (If the copy has copies of its
 * own, the parent still leaves ghosts: those look them up by the serial of the parent.)
 */
static __always_inline void forget_copy(const struct space *space)
{
	struct space *parent;

	if (!(space->flags & SPACE_COPY) || space->flags & SPACE_HAS_COPIES)
		return;
	parent = space_of_mm(space->parent_mm);
	if (parent && parent->serial == space->ancestors[0])
		add(&parent->living_copies, -1);
}

/* Hands the record to user space. */
static __always_inline void retire(struct space *space)
{
	__u64 mm = space->mm, serial = space->serial;

	forget_copy(space);
	wire_sum_space(living_space_of(space));
	if (bpf_map_push_elem(&ended, space, 0) &&
	    bpf_map_update_elem(&late_ends, &serial, space, BPF_ANY))
		count_loss(LOSS_ENDED_MAP_FULL);
	bpf_map_delete_elem(&live, &mm);
	ring_doorbell();
}

static __always_inline int teardown_ends(__u64 mm)
{
	struct space *space = space_of_mm(mm);

	if (!space)
		return 0;
	read_memory(mm, &space->after);
	if (memory_was_reaped(mm))
		space->flags |= SPACE_REAPED;
	space->flags |= SPACE_AFTER_READ;
	space->after_ns = bpf_ktime_get_ns();
	note_unseen_end(space);
	/* Guests went on using the memory after the early reading: what it held is unknown. */
	if ((space->flags & (SPACE_BEFORE_READ | SPACE_EARLY_READ | SPACE_GUESTS)) ==
	    SPACE_EARLY_READ) {
		space->before = space->early;
		space->flags |= SPACE_BEFORE_READ;
	}
	/* Links know a process by its PID: after its end they saw no calls of guests. */
	if (config_scoped && space->flags & SPACE_GUESTS && space->flags & SPACE_PROCESS_ENDED &&
	    space->tgid != current_tgid())
		add(&space->lost[LOSS_GUEST], 1);
	close_teardown(space);
	retire(space);
	return 0;
}

/*
 * Return probes follow a limited number of calls of a function at once. The teardown of a task that
 * gets here with its entry still open was beyond that limit: the counters after it are unknown.
 */
static __always_inline void end_missed_teardown(void)
{
	__u32 tid = (__u32)bpf_get_current_pid_tgid();
	struct teardown *teardown = bpf_map_lookup_elem(&teardowns, &tid);
	struct space *space;

	if (!teardown)
		return;
	space = space_of_mm(teardown->mm);
	bpf_map_delete_elem(&teardowns, &tid);
	if (!space)
		return;
	count_loss(LOSS_TEARDOWN_END);
	space->after_ns = bpf_ktime_get_ns();
	retire(space);
}

/* Is the record of the present process of the task, and not of one whose end was missed? */
static __always_inline bool is_of(const struct space *space, struct task_struct *task)
{
	__u64 ends = SPACE_BEFORE_READ | SPACE_EXEC | SPACE_PROCESS_ENDED;

	return space && !(space->flags & ends) && space->tgid == (__u32)BPF_CORE_READ(task, tgid) &&
	       space->process_start_ns == BPF_CORE_READ(task, group_leader, start_time);
}

/* The kernel uses an mm pointer again: the end of the space that had it before was missed. */
static __always_inline void end_replaced(__u64 mm)
{
	struct space *space = space_of_mm(mm);

	if (!space)
		return;
	count_loss(LOSS_REPLACED_SPACE);
	space->after_ns = bpf_ktime_get_ns();
	retire(space);
}

#define TWO_PROGRAMS(tracepoint, name, policy)                \
	SEC("raw_tp/" tracepoint)                             \
	int name(struct bpf_raw_tracepoint_args *ctx)         \
	{                                                     \
		return policy(ctx);                           \
	}                                                     \
	SEC("raw_tp/" tracepoint)                             \
	int name##_again(struct bpf_raw_tracepoint_args *ctx) \
	{                                                     \
		return policy(ctx);                           \
	}

SEC("kprobe/exit_mm_release")
int BPF_KPROBE(kprobe_exit_mm_release, struct task_struct *task, struct mm_struct *mm)
{
	thread_ends(task, (__u64)mm);
	return 0;
}

SEC("kprobe/exit_mmap")
int BPF_KPROBE(kprobe_exit_mmap, struct mm_struct *mm)
{
	return teardown_begins((__u64)mm);
}

/* The arguments of these are typed for the verifier; the policy computes with plain addresses. */
SEC("fentry/exit_mm_release")
int BPF_PROG(fentry_exit_mm_release, struct task_struct *task, struct mm_struct *mm)
{
	thread_ends((struct task_struct *)as_scalar(task), as_scalar(mm));
	return 0;
}

SEC("fentry/exit_mmap")
int BPF_PROG(fentry_exit_mmap, struct mm_struct *mm)
{
	return teardown_begins(as_scalar(mm));
}

SEC("fexit/exit_mmap")
int BPF_PROG(fexit_exit_mmap, struct mm_struct *mm)
{
	return teardown_ends(as_scalar(mm));
}

/* A return probe does not see the argument. */
SEC("kretprobe/exit_mmap")
int kretprobe_exit_mmap(struct pt_regs *ctx)
{
	__u32 tid = (__u32)bpf_get_current_pid_tgid();
	struct teardown *teardown = bpf_map_lookup_elem(&teardowns, &tid);

	return teardown ? teardown_ends(teardown->mm) : 0;
}

static __always_inline int note_teardown_end(struct bpf_raw_tracepoint_args *ctx)
{
	return teardown_ends(ctx->args[0]);
}

TWO_PROGRAMS("exit_mmap", after_exit_mmap, note_teardown_end)

SEC("tracepoint/mmap/exit_mmap")
int perf_after_exit_mmap(struct trace_event_raw_exit_mmap *ctx)
{
	return teardown_ends((__u64)ctx->mm);
}

/* args: task. It runs for every thread; before 6.16 the thread has no mm any more. */
static __always_inline int note_thread_end(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx->args[0];
	__u32 tid = BPF_CORE_READ(task, pid), tgid = BPF_CORE_READ(task, tgid);

	if (!config_exit_by_tracepoint)
		end_missed_teardown();
	thread_ends(task, (__u64)BPF_CORE_READ(task, mm));
	bpf_map_delete_elem(&threads, &tid);
	if (last_thread(task))
		bpf_map_delete_elem(&targets, &tgid);
	return 0;
}

TWO_PROGRAMS("sched_process_exit", thread_exit, note_thread_end)

/* args: task, bprm. exec is past the point of no return, and still has the old memory. */
static __always_inline int note_exec(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx->args[0];
	__u64 mm = (__u64)BPF_CORE_READ(task, mm);
	struct space *space = space_of_task(task, mm);

	if (!space || space->tgid != (__u32)BPF_CORE_READ(task, tgid))
		return 0;
	space->flags |= SPACE_EXEC;
	if (config_exit_by_tracepoint) {
		note_before(space);
		open_teardown(mm);
	} else {
		note_early(space);
	}
	return 0;
}

TWO_PROGRAMS("sched_prepare_exec", prepare_exec, note_exec)

/* args: task, old tid, bprm. A new program has taken over the process. */
static __always_inline int note_new_program(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx->args[0];
	__u64 mm = (__u64)BPF_CORE_READ(task, mm);
	__u32 old_tid = ctx->args[1], tgid = BPF_CORE_READ(task, tgid);
	struct target *target = bpf_map_lookup_elem(&targets, &tgid);
	struct space *old, *space;

	if (!config_exit_by_tracepoint)
		end_missed_teardown();
	bpf_map_delete_elem(&threads, &old_tid);
	bpf_map_delete_elem(&threads, &tgid);
	if ((!target && !config_system_wide) || is_of(space_of_mm(mm), task))
		return 0;
	if (target) {
		old = space_of_mm(target->mm);
		if (old && old->tgid == tgid && target->mm != mm)
			old->flags |= SPACE_EXEC; /* shared: it outlives the exec of its process */
		target->flags &= ~TARGET_FROM_EXEC;
		target->mm = mm;
	}
	end_replaced(mm);
	create_space(task, mm, 0, BPF_ANY);
	space = space_of_mm(mm);
	if (space && target && config_scoped && old_tid != tgid) {
		/*
		 * The links know the process by its first thread, and another thread lives on. No
		 * call is seen until user space has attached again.
		 */
		space->flags |= SPACE_NEW_LEADER;
		add(&space->lost[LOSS_NEW_LEADER], 1);
	}
	ring_doorbell();
	return 0;
}

TWO_PROGRAMS("sched_process_exec", process_exec, note_new_program)

/* The memory of the child is a copy of the memory of its parent, with all blocks in it. */
static __always_inline void copy_space(struct space *parent, struct task_struct *child,
				       __u64 child_mm)
{
	struct space *copy;

	if (is_of(space_of_mm(child_mm), child))
		return;
	end_replaced(child_mm);
	create_space(child, child_mm, SPACE_COPY | SPACE_FORKED | (parent->flags & SPACE_LATE),
		     BPF_ANY);
	copy = space_of_mm(child_mm);
	if (!copy)
		return;
	wire_sum_space(living_space_of(parent));
	copy->relative_tgid = copy->parent_tgid = parent->tgid;
	copy->inherited_bytes =
		parent->held_bytes + parent->inherited_bytes - parent->inherited_freed_bytes;
	copy->inherited_blocks =
		parent->held_blocks + parent->inherited_blocks - parent->inherited_freed_blocks;
	copy->parent_mm = parent->mm;
	copy->calls_nest = parent->calls_nest;
	copy->ancestors[0] = parent->serial;
#pragma unroll
	for (int i = 1; i < WIRE_MAX_ANCESTORS; i++)
		copy->ancestors[i] = parent->ancestors[i - 1];
	if (parent->ancestors[WIRE_MAX_ANCESTORS - 1])
		copy->flags |= SPACE_MORE_ANCESTORS;
	parent->flags |= SPACE_HAS_COPIES;
	parent->last_fork_ns = time_of_serial(copy->serial);
	add(&parent->living_copies, 1);
}

/* -f: the child of a target is a target too. It does not wait for an exec. */
static __always_inline void follow_child(struct task_struct *parent, struct task_struct *child,
					 __u64 child_mm)
{
	__u32 parent_tgid = BPF_CORE_READ(parent, tgid), tgid = BPF_CORE_READ(child, tgid);
	struct target *target = bpf_map_lookup_elem(&targets, &parent_tgid);
	struct target followed = { .mm = child_mm };

	if (target && !(target->flags & TARGET_FROM_EXEC) &&
	    bpf_map_update_elem(&targets, &tgid, &followed, BPF_ANY))
		count_loss(LOSS_TARGET_MAP_FULL);
}

/*
 * args: parent, child. It runs for new threads too. The two share pages, or all memory, from now
 * on. If the child is not followed, the space of the parent only notes the fork.
 */
static __always_inline int note_fork(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *parent = (struct task_struct *)ctx->args[0];
	struct task_struct *child = (struct task_struct *)ctx->args[1];
	__u64 parent_mm = (__u64)BPF_CORE_READ(parent, mm);
	__u64 child_mm = (__u64)BPF_CORE_READ(child, mm);
	struct space *space;

	if (!child_mm || BPF_CORE_READ(child, tgid) == BPF_CORE_READ(parent, tgid))
		return 0;
	if (config_follow)
		follow_child(parent, child, child_mm);
	space = space_of_task(parent, parent_mm);
	if (!space)
		return 0;
	if (child_mm == parent_mm) {
		space->flags |= SPACE_GUESTS;
		/* The perf events that see guests may have left with the first thread. */
		if (config_scoped && !BPF_CORE_READ(parent, group_leader, mm))
			add(&space->lost[LOSS_GUEST], 1);
		return 0;
	}
	if (config_system_wide || config_follow)
		copy_space(space, child, child_mm);
	space->flags |= SPACE_FORKED;
	space->relative_tgid = BPF_CORE_READ(child, tgid);
	return 0;
}

TWO_PROGRAMS("sched_process_fork", process_fork, note_fork)
