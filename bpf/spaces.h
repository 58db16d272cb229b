/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Address spaces: how a space gets its record and its serial, and how hooks find the record again.
 * An address space owns blocks, not a PID, because the kernel reclaims address spaces: threads and
 * vfork children share one, and exec ends it.
 */
#ifndef SPACES_H
#define SPACES_H

#include "maps.h"

#define EEXIST 17

static __always_inline struct task_struct *current_task(void)
{
	return (struct task_struct *)bpf_get_current_task();
}

static __always_inline __u32 current_tgid(void)
{
	return bpf_get_current_pid_tgid() >> 32;
}

/*
 * Unique for ever: a CPU makes at most one in a nanosecond. (A counter would need a fetching
 * atomic, which kernels before 5.12 refuse.)
 */
static __always_inline __u64 new_serial(void)
{
	return (bpf_ktime_get_ns() << WIRE_SERIAL_CPU_BITS) |
	       (bpf_get_smp_processor_id() & ((1 << WIRE_SERIAL_CPU_BITS) - 1));
}

/* The time at which the serial was made, CLOCK_MONOTONIC. */
static __always_inline __u64 time_of_serial(__u64 serial)
{
	return serial >> WIRE_SERIAL_CPU_BITS;
}

static __always_inline struct space *space_of_mm(__u64 mm)
{
	return mm ? bpf_map_lookup_elem(&live, &mm) : NULL;
}

/* For a record in `live`, where every pointer to a space leads, except in create_space. */
static __always_inline struct living_space *living_space_of(struct space *space)
{
	return (struct living_space *)space;
}

static __always_inline struct space_slot *slot_of_space(struct space *space)
{
	return &living_space_of(space)->slots[slot_of_cpu(WIRE_SPACE_SLOTS)];
}

/*
 * Gives the mm of the task a record with a new serial. map_flags: BPF_NOEXIST when another thread
 * may be doing the same; BPF_ANY when a record under that pointer can only be of a space whose end
 * was missed.
 */
static __noinline int create_space(struct task_struct *task, __u64 mm, __u64 space_flags,
				   __u64 map_flags)
{
	struct thread *thread = thread_of_current(true);
	struct pid *pid = BPF_CORE_READ(task, group_leader, thread_pid);
	unsigned int level = BPF_CORE_READ(pid, level);
	__u32 loss = map_flags == BPF_NOEXIST ? LOSS_UNRECORDED_CALL : LOSS_SPACE_MAP_FULL;
	struct space *space;
	long err;

	if (!thread) {
		count_loss(loss);
		return 0;
	}
	space = &thread->scratch.space.space;
	__builtin_memset(space, 0, sizeof(*space));
	asm volatile("" ::: "memory"); /* the compiler fails on both memsets as one */
	__builtin_memset(thread->scratch.space.slots, 0, sizeof(thread->scratch.space.slots));
	space->serial = new_serial();
	space->mm = mm;
	space->tgid = BPF_CORE_READ(task, tgid);
	space->ppid = BPF_CORE_READ(task, real_parent, tgid);
	space->uid = (__u32)bpf_get_current_uid_gid();
	bpf_probe_read_kernel(&space->tgid_in_namespace, sizeof(space->tgid_in_namespace),
			      (void *)pid + bpf_core_field_offset(struct pid, numbers[0].nr) +
				      level * bpf_core_type_size(struct upid));
	BPF_CORE_READ_STR_INTO(&space->comm, task, group_leader, comm);
	space->seen_ns = bpf_ktime_get_ns();
	space->process_start_ns = BPF_CORE_READ(task, group_leader, start_time);
	space->flags = space_flags;
	err = bpf_map_update_elem(&live, &mm, &thread->scratch.space, map_flags);
	if (err && err != -EEXIST)
		count_loss(loss);
	return 0;
}

/*
 * The tracer and its children, such as the helper that shares its memory. They are not traced,
 * since their allocations follow from those that they trace.
 */
static __always_inline bool is_tracer(struct task_struct *task, __u32 tgid)
{
	return tgid == config_own_tgid ||
	       (__u32)BPF_CORE_READ(task, real_parent, tgid) == config_own_tgid;
}

/*
 * The record of the mm of a task. It is made now if the task is to be traced and has none yet. NULL
 * if the task is not traced.
 */
static __always_inline struct space *space_of_task(struct task_struct *task, __u64 mm)
{
	struct space *space = space_of_mm(mm);
	struct target *target;
	__u32 tgid;

	if (space || !mm)
		return space;
	tgid = BPF_CORE_READ(task, tgid);
	target = bpf_map_lookup_elem(&targets, &tgid);
	if (!target) {
		if (!config_system_wide || is_tracer(task, tgid))
			return NULL;
	} else {
		if (target->flags & TARGET_FROM_EXEC)
			return NULL;
		target->mm = mm;
	}
	create_space(task, mm, SPACE_LATE, BPF_NOEXIST);
	return space_of_mm(mm);
}

static __always_inline struct space *space_of_current(void)
{
	struct task_struct *task;
	struct space *space;

	/* The fast path: the record nearly always exists, and a typed pointer takes no helper. */
	if (config_typed_task) {
		space = space_of_mm((__u64)bpf_get_current_task_btf()->mm);
		if (space)
			return space;
	}
	task = current_task();
	return space_of_task(task, (__u64)BPF_CORE_READ(task, mm));
}

#endif
