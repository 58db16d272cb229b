/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every map and every configuration constant of the BPF side. The maps are weak, so that each
 * object can name them and the linker keeps one. Sizes marked 1 are set by user space before load.
 */
#ifndef MAPS_H
#define MAPS_H

#include "vmlinux.h"
#include "unwind_step.h"
#include "wire.h"
#include "wire_unwind.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

/* Set by user space before load; constants to the verifier. Defined in blocks.bpf.c. */
extern const volatile bool config_system_wide; /* trace every process, not only `targets` */
extern const volatile bool config_follow; /* -f: the children of targets are targets */
extern const volatile __u32 config_own_tgid; /* the tracer itself, which is never traced */
extern const volatile bool config_trace; /* -t: an event for each call */
extern const volatile __u64 config_min_bytes; /* -z */
extern const volatile __u64 config_max_bytes; /* -Z */
extern const volatile __u32 config_nr_cpus; /* possible CPUs */
extern const volatile __u32 config_max_frames; /* --frames */
extern const volatile bool config_stacks; /* record the stack of each allocation */
extern const volatile bool config_unwind; /* stacks by tables, else by frame pointers */
extern const volatile bool config_typed_task; /* bpf_get_current_task_btf, Linux 5.11 */
extern const volatile bool config_avoid_private_stack; /* see allocator.bpf.c */
extern const volatile bool config_scoped; /* session links see only the threads of targets */
extern const volatile bool config_exit_by_tracepoint; /* no kprobe, no fentry on exit_mmap */

/*
 * User space increments the element of a process (tgid modulo the size) when it has mapped code.
 * Defined in unwind.bpf.c.
 */
extern __u32 mappings_changed[WIRE_MAPPING_GENERATIONS];

/*
 * User space increments this when it releases tables: after their files have left unwind_files, and
 * before other tables take their place. Every walk that begins later misses the cache entries of
 * the released tables. Defined in unwind.bpf.c.
 */
extern __u64 tables_changed;

/*
 * The key under which user space has made the table of the vdso; inode 0: there is no such table.
 * Defined in unwind.bpf.c.
 */
extern struct unwind_file_key vdso_file;

/* An allocator call that has begun on a thread and not yet returned. */
struct call {
	__u64 sp; /* user stack pointer at entry; 0: no call in flight */
	__u64 size_bytes; /* asked for */
	__u64 old_address; /* realloc: the block that is being replaced */
	__u64 result; /* where the address will be stored; 0: it will be returned */
	struct block old; /* realloc: the record of old_address; still counted as held */
	__u32 function;
	__u32 old_known; /* old_address had a record */
	/* Of a call that returns by a ret: what stands at sp until then, and where its probe is. */
	__u64 return_address, ip;
};

/*
 * The state of one thread. Only that thread touches it, in any hook. So it also holds scratch
 * memory: the BPF stack is too small, and per-CPU memory would be overwritten when a program is
 * preempted.
 */
struct thread {
	struct call call;
	struct free_call free_call; /* the last outermost free; see free_is_inside */
	__u64 doubtful_frees; /* unknown frees since then that may be inside it */
	union {
		struct stack stack;
		struct living_space space;
	} scratch;
	struct walk walk;
};

/* A task that is tearing an address space down, and the page frames it freed so far. */
struct teardown {
	__u64 mm;
	__u64 anon_pages;
	__u64 other_pages;
};

/*
 * mm pointer → address space. The exec and fork hooks and the first call that is seen insert it;
 * the hook after the teardown deletes it. User space reads it.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, struct living_space);
} live SEC(".maps") __weak;

/*
 * Address spaces whose teardown has ended, in that order. The hook after the teardown pushes, user
 * space pops. It is a queue because walking a hash map goes bucket by bucket, which is the most
 * expensive step when processes end fast.
 */
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 1);
	__type(value, struct space);
} ended SEC(".maps") __weak;

/*
 * serial → an address space whose teardown found `ended` full, because user space has not read it
 * for long. Takes memory only for its entries, where the kernel can do that.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, struct space);
} late_ends SEC(".maps") __weak;

/*
 * tgid → a traced process. User space inserts it, and the fork hook with -f; the hook at the end of
 * the process deletes it.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct target);
} targets SEC(".maps") __weak;

/*
 * Outstanding blocks, and ghosts. The allocator hooks insert and delete them. Blocks of an ended
 * space match only the frees of its forked copies; user space deletes them after the last copy has
 * ended.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct block_key);
	__type(value, struct block);
} blocks SEC(".maps") __weak;

/*
 * (space, stack) → what the space holds from that stack. The allocator hooks insert and count; user
 * space reads it, deletes it with the space, and sweeps entries that it missed.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct site_key);
	__type(value, struct site);
} sites SEC(".maps") __weak;

/* (space, n) → stack id of the n-th site. Inserted and deleted together with the site. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct site_index_key);
	__type(value, __u64);
} site_index SEC(".maps") __weak;

/*
 * stack id → frames. The allocator hooks insert them, user space reads and deletes them;
 * WIRE_STACK_OWN says when.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, struct stack);
} stacks SEC(".maps") __weak;

/*
 * tid → the state of a thread. The first call of the thread inserts it, and the hook at its end
 * deletes it. User space does not use it.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct thread);
} threads SEC(".maps") __weak;

/*
 * tid → the teardown that the task performs. The hooks before and after the teardown insert and
 * delete it. LRU, so that an entry whose teardown never comes ages out (the memory outlives the
 * process).
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct teardown);
} teardowns SEC(".maps") __weak;

/*
 * File → its table. A walk inserts an empty entry for a file that it meets for the first time; user
 * space fills it, inserts files that it expects on stacks, and deletes files whose tables it
 * releases.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, UNWIND_MAX_FILES);
	__type(key, struct unwind_file_key);
	__type(value, struct unwind_file);
} unwind_files SEC(".maps") __weak;

/* The words of all tables, in chunks. User space writes them, walks read them. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, UNWIND_MAX_CHUNKS);
	__type(key, __u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_ARRAY);
			__uint(max_entries, UNWIND_ELEMENTS);
			__uint(map_flags, BPF_F_MMAPABLE);
			__uint(key_size, sizeof(__u32));
			__uint(value_size, sizeof(struct unwind_words));
		});
} unwind_chunks SEC(".maps") __weak;

/* The distinct rules of all tables. User space writes them, walks read them. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, UNWIND_MAX_RULES);
	__type(key, __u32);
	__type(value, struct unwind_rule);
} unwind_rules SEC(".maps") __weak;

/* Losses that belong to no address space, by enum loss. All hooks count, user space reads. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, NR_LOSSES);
	__type(key, __u32);
	__type(value, __u64);
} losses SEC(".maps") __weak;

/*
 * Records to user space: the doorbell, the events of -t, and requests of walks. User space finds
 * everything else in the maps, so a full ring costs it no figure but those that losses count.
 */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} ring SEC(".maps") __weak;

/* Only its address is used: it tells where the variables of each CPU are (memory.bpf.c). */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} cpu_compass SEC(".maps") __weak;

/* For a counter that other CPUs update too. */
static __always_inline void add(__u64 *counter, __u64 amount)
{
	__sync_fetch_and_add(counter, amount);
}

/* The slot of the current CPU, of nr slots. nr is a power of two. */
static __always_inline __u32 slot_of_cpu(__u32 nr)
{
	return bpf_get_smp_processor_id() & (nr - 1);
}

static __always_inline void count_loss(__u32 loss)
{
	__u64 *counter = bpf_map_lookup_elem(&losses, &loss);

	if (counter)
		*counter += 1;
}

/* The source of new threads and sites. Defined in blocks.bpf.c. */
extern const volatile __u64 zeroes[sizeof(struct thread) / sizeof(__u64)];

static __always_inline struct thread *thread_of_current(bool create)
{
	__u32 tid = config_typed_task ? (__u32)bpf_get_current_task_btf()->pid :
					(__u32)bpf_get_current_pid_tgid();
	struct thread *thread = bpf_map_lookup_elem(&threads, &tid);

	if (thread || !create)
		return thread;
	bpf_map_update_elem(&threads, &tid, (const void *)&zeroes, BPF_NOEXIST);
	return bpf_map_lookup_elem(&threads, &tid);
}

static __always_inline void ring_doorbell(void)
{
	struct event *event = bpf_ringbuf_reserve(&ring, sizeof(*event), 0);

	if (!event)
		return; /* user space looks at the maps on its own tick too */
	__builtin_memset(event, 0, sizeof(*event));
	event->type = EVENT_DOORBELL;
	bpf_ringbuf_submit(event, 0);
}

#endif
