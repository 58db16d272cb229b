/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The data that crosses between the BPF side and the user side: map keys, map values and ring
 * records. Fixed width, explicit padding, sizes asserted. Both sides include this.
 */
#ifndef WIRE_H
#define WIRE_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define WIRE_COMM_BYTES 16
#define WIRE_MAX_FRAMES 128

/* The malloc family by what a call does with its arguments; several names share a kind. */
enum allocator_function {
	FUNCTION_MALLOC, /* (size): malloc, valloc, pvalloc */
	FUNCTION_CALLOC, /* (count, size) */
	FUNCTION_REALLOC, /* (old, size) */
	FUNCTION_REALLOCARRAY, /* (old, count, size) */
	FUNCTION_XALLOCX, /* (old, size): resizes old where it is, and returns its real size */
	FUNCTION_MEMALIGN, /* (alignment, size): memalign, aligned_alloc */
	FUNCTION_POSIX_MEMALIGN, /* (result, alignment, size) */
	FUNCTION_FREE, /* (old): free, cfree, operator delete */
	/*
	 * (size): operator new. It can throw, so it has no return probe, which an exception would
	 * not get past: its returns are seen at each of its ret instructions.
	 */
	FUNCTION_NEW,
	FUNCTION_NEW_RETURN, /* no function: such a ret */
	/* Of the user's: the cookie says what is what. */
	FUNCTION_DEFINED,
	FUNCTION_DEFINED_BY_RET, /* its returns are seen as those of FUNCTION_NEW */
	FUNCTION_DEFINED_FREE,
	NR_ALLOCATOR_FUNCTIONS,
};

/*
 * The cookie of a probe: the function and, of a user's, which arguments are the size, the count of
 * such sizes, and the block: the one that is freed, or the place where a new one's address is
 * stored. 1 is the first argument; 0: there is none.
 */
#define WIRE_COOKIE(function, size, count, block) \
	((__u64)(function) | (__u64)(size) << 8 | (__u64)(count) << 12 | (__u64)(block) << 16)
#define WIRE_COOKIE_FUNCTION(cookie) ((cookie)&0xff)
#define WIRE_COOKIE_SIZE(cookie) ((cookie) >> 8 & 0xf)
#define WIRE_COOKIE_COUNT(cookie) ((cookie) >> 12 & 0xf)
#define WIRE_COOKIE_BLOCK(cookie) ((cookie) >> 16 & 0xf)

/*
 * A frame is (file id << 48 | file offset). File id 0 means that the low bits are a virtual address
 * of the process, to be resolved through its mappings. A frame is a return address, which is after
 * the call that it tells of. WIRE_FRAME_EXACT marks the very instruction at which a signal arrived.
 */
typedef __u64 wire_frame;
#define WIRE_FRAME_FILE_SHIFT 48
#define WIRE_FRAME_EXACT (1ULL << 47)
#define WIRE_FRAME_OFFSET_MASK (WIRE_FRAME_EXACT - 1)

/*
 * A serial names one address space for ever: mm pointers and PIDs are reused at once, a serial
 * never is. 0 is no serial.
 */
struct block_key {
	__u64 address;
	__u64 serial;
};

/* An outstanding block. Written when the allocator returns it, deleted when free is entered. */
struct block {
	__u64 size_bytes;
	__u64 stack_id; /* of a ghost: when it was freed */
	__u64 time_ns; /* CLOCK_MONOTONIC, when it was allocated */
};

/*
 * Set in the address of the key of a ghost: a block that its process has freed, while a copy that
 * was forked before still has it. No user address has this bit.
 */
#define WIRE_GHOST (1ULL << 63)

/*
 * The number of ancestors (generations without an exec in between) that a forked process knows. It
 * has copies of the blocks of their address spaces. Its free of a block of an older ancestor is an
 * unknown free, and a loss.
 */
#define WIRE_MAX_ANCESTORS 16

/* A serial holds the time when it was given out, CLOCK_MONOTONIC, above the number of the CPU. */
#define WIRE_SERIAL_CPU_BITS 8

/* A site: the blocks that one address space holds from one stack. */
struct site_key {
	__u64 serial;
	__u64 stack_id;
};

/*
 * A thread counts each call in a slot of the CPU that it runs on, because CPUs that write to one
 * cache line make each other wait. CPUs share slots when there are more CPUs than slots, and a
 * thread can be moved in between, so it counts atomically all the same. The value of a record is
 * the sum.
 */
#define WIRE_SPACE_SLOTS 8
#define WIRE_SITE_SLOTS 4
#define WIRE_CACHE_LINE 64

struct site_slot {
	__u64 bytes;
	__u64 blocks;
	__u64 pad[WIRE_CACHE_LINE / 8 - 2];
};

struct site {
	struct site_slot slots[WIRE_SITE_SLOTS];
};

/* The n-th site of an address space, so that a report costs what the process holds. */
struct site_index_key {
	__u64 serial;
	__u64 n;
};

#define WIRE_STACK_UNKNOWN 0ULL /* the stack id of blocks whose stack was not kept */

/*
 * Set in the id of a stack that belongs to one process, because some frames are addresses in it;
 * user space deletes it with the process. Processes that call from the same places of the same
 * files share all other stacks; user space deletes them when the map fills up and no held block
 * refers to them.
 */
#define WIRE_STACK_OWN 1ULL

/* Why a walk went no further. */
enum stack_end {
	STACK_COMPLETE, /* it got to where the thread began */
	STACK_FULL, /* no more frames are kept: WIRE_MAX_FRAMES, or as many as were asked for */
	STACK_FRAME_POINTERS, /* by frame pointers: it ended where these did, which may be anywhere */
	STACK_NO_TABLE, /* the file's table was not there yet */
	STACK_BUSY, /* the mappings were being changed */
	STACK_NO_CODE, /* no code is mapped there */
	STACK_UNREADABLE, /* the stack was not */
	STACK_BAD_RULE, /* the file's own tables don't say, or make no sense */
	NR_STACK_ENDS,
};

struct stack {
	__u32 nr_frames;
	__u32 end; /* enum stack_end */
	wire_frame frames[WIRE_MAX_FRAMES];
};

/* Pages unless said otherwise; signed because the kernel's counters are. */
struct memory_counters {
	__s64 file;
	__s64 anon;
	__s64 swap;
	__s64 shmem;
	__s64 hugetlb;
	__u64 page_table_bytes;
	__u64 virtual_pages;
};

/*
 * Why something was missed or not recorded. The losses of an address space are counted in its
 * record, the others in `losses`, and the last ones by user space. user/report/losses.c has words
 * for each.
 */
enum loss {
	LOSS_RETURN, /* a call began, and its return was not seen */
	LOSS_FREE, /* a block was handed out again whose free was not seen */
	LOSS_GUEST, /* a process that shares the memory: its calls were not all seen */
	LOSS_NEW_LEADER, /* exec by another thread than the first: calls until we attach anew */
	LOSS_THREAD_MAP_FULL, /* a thread's call could not be followed */
	LOSS_BLOCK_MAP_FULL,
	LOSS_GHOST, /* the block map was full: a copy's free of the block will be an unknown one */
	LOSS_ANCESTOR, /* an unknown free by a copy that has more ancestors than it knows */
	LOSS_STACK, /* a block without a stack: it could not be read, or the stack map was full */
	LOSS_SITE_MAP_FULL, /* a block that is not counted by stack */
	NR_SPACE_LOSSES,
	LOSS_SPACE_MAP_FULL = NR_SPACE_LOSSES, /* a new address space could not be recorded */
	LOSS_UNRECORDED_CALL, /* a call in such a space */
	LOSS_ENDED_MAP_FULL, /* an exit record found no room, or no time at the stop */
	LOSS_TARGET_MAP_FULL, /* -f: a child could not be followed */
	LOSS_REPLACED_SPACE, /* an mm pointer came back before its end was seen */
	LOSS_TEARDOWN_END, /* a return probe on the teardown was missed */
	LOSS_TRACE_EVENT, /* -t: the ring buffer was full */
	LOSS_UNSEEN_END, /* user space found out that an end was missed */
	LOSS_MAPPING_RECORD, /* a perf ring was full */
	NR_LOSSES,
};

enum space_flags {
	SPACE_BEFORE_READ = 1 << 0, /* before holds the counters just before the teardown */
	SPACE_AFTER_READ = 1 << 1,
	SPACE_EARLY_READ = 1 << 2, /* early holds the counters at the process's end, at least */
	SPACE_FRAMES_MEASURED = 1 << 3, /* freed_*_pages cover the whole teardown */
	SPACE_REAPED = 1 << 4, /* the OOM reaper or process_mrelease took part */
	SPACE_FORKED = 1 << 5, /* it was copied, or is a copy: it may share pages */
	SPACE_LATE = 1 << 6, /* first seen while it ran: earlier blocks are unknown */
	SPACE_PROCESS_ENDED = 1 << 7, /* exit_code and friends are set */
	SPACE_EXEC = 1 << 8, /* its process went on with another program */
	SPACE_OOM = 1 << 9, /* the OOM killer chose its process */
	SPACE_MERGED = 1 << 10, /* KSM merged some of its pages */
	SPACE_NEW_LEADER = 1 << 11, /* exec by another thread than the first: attach anew */
	SPACE_GUESTS = 1 << 12, /* a process under another PID has shared it */
	SPACE_COPY = 1 << 13, /* made by fork: what its parent held is in it too */
	SPACE_HAS_COPIES = 1 << 14, /* was copied by a fork that is followed */
	SPACE_LEADER_LEFT =
		1 << 15, /* its first thread has ended alone: put breakpoints everywhere */
	SPACE_MORE_ANCESTORS = 1 << 16, /* than `ancestors` has room for */
};

/*
 * One address space. It is in `live` under its mm pointer from the moment it is first seen. The
 * hook after the teardown moves it to the queue `ended`, or to `late_ends` when the queue is full,
 * so that nothing is lost when user space is slow.
 */
struct space {
	__u64 serial;
	__u64 mm;
	__u32 tgid;
	__u32 ppid;
	__u32 uid;
	__u32 tgid_in_namespace;
	char comm[WIRE_COMM_BYTES];
	__u64 seen_ns; /* CLOCK_MONOTONIC, when the record was made */
	__u64 process_start_ns; /* CLOCK_MONOTONIC, when its process began */
	__u64 process_end_ns;
	__u64 after_ns; /* when the teardown had ended */
	__u64 flags; /* enum space_flags; written by the task that ends */

	/* The sums of the slots of struct living_space, as of the last wire_sum_space. */
	__u64 held_bytes, held_blocks;
	__u64 allocated_bytes, allocated_blocks;
	__u64 freed_bytes, freed_blocks;

	/* Updated atomically by every thread that allocates. */
	__u64 unrecorded_bytes, unrecorded_blocks; /* allocated, but not known as held */
	__u64 failed;
	__u64 unknown_frees;
	__u64 lost[NR_SPACE_LOSSES];
	__u64 nr_sites; /* entries in site_index, at least */

	/* The blocks that a copy got at its fork, and those of them that it has freed since. */
	__u64 inherited_bytes, inherited_blocks;
	__u64 inherited_freed_bytes, inherited_freed_blocks;
	__u64 ancestors[WIRE_MAX_ANCESTORS]; /* serials, nearest first; 0: none */
	__u64 parent_mm; /* where ancestors[0] lives, or lived */
	__u64 living_copies; /* that were forked from it */
	__u64 last_fork_ns; /* when the youngest of these was */
	__u64 calls_nest; /* 1: its allocator has been seen to call another one that is probed */

	struct memory_counters early, before, after;
	__u64 freed_anon_pages, freed_other_pages;
	__u32 exit_code; /* as wait(2) reports it */
	__u32 relative_tgid; /* who forked it or was forked from it, last; 0: nobody */
	__u32 parent_tgid; /* of a copy: who forked it */
	__u32 unfinished_walks; /* that were left to user space */
};

/* A free that has begun outside of any other. It has no return probe: see nesting.h. */
struct free_call {
	__u64 address;
	__u64 sp; /* user stack pointer at entry; 0: none yet */
	__u64 ip; /* of the function */
	__u64 return_address; /* 0: not read */
};

struct space_slot {
	__u64 allocated_bytes, allocated_blocks;
	__u64 freed_bytes, freed_blocks;
	struct free_call last_free; /* while calls_nest is 0: of a block that was known */
};

/* An address space in `live`. */
struct living_space {
	struct space space;
	struct space_slot slots[WIRE_SPACE_SLOTS];
};

/* tgids that are traced, written by user space (-p, the command) and read by the hooks. */
enum target_flags {
	TARGET_FROM_EXEC = 1 << 0, /* its present memory is ours: wait for the program's exec */
};

struct target {
	__u64 mm; /* of its newest address space; 0: not seen yet */
	__u32 flags;
	__u32 pad;
};

enum event_type {
	EVENT_DOORBELL = 1, /* something changed in `live` or `ended`: look there */
	EVENT_ALLOCATION = 2, /* -t */
	EVENT_FREE = 3, /* -t */
	EVENT_UNWIND_REQUEST = 4, /* struct unwind_request */
	EVENT_UNFINISHED_WALK = 5, /* struct unfinished_walk */
};

struct event {
	__u32 type;
	__u32 function; /* enum allocator_function */
	__u32 tgid;
	__u32 tid;
	__u64 time_ns;
	__u64 address;
	__u64 size_bytes;
	char comm[WIRE_COMM_BYTES];
};

/* How a process keeps a file in memory alive. */
enum holding_way {
	HOLDING_OPEN = 1 << 0, /* it has a descriptor */
	HOLDING_MAPPED = 1 << 1,
	HOLDING_SHARED = 1 << 2, /* one of its mappings is MAP_SHARED */
};

/*
 * A file whose content is memory (tmpfs, memfd, System V, shared anonymous, hugetlbfs) and a
 * process that holds it. Written by the iterators of holders.bpf.c, read from their descriptors.
 */
struct holder {
	__u64 inode;
	__u64 bytes; /* that the file takes up, in memory and in swap */
	__u32 device; /* major << 20 | minor */
	__u32 tgid;
	__u32 ways; /* enum holding_way */
	__u32 sysv; /* its name is that of a System V segment: the inode number is an identifier */
};

/*
 * Both sides sum up. A record in use can be read between the two halves of a change, or its slots
 * at different moments. Then the held amount can come out negative, and is taken as 0.
 */
static inline __attribute__((always_inline)) __u64 wire_at_least_0(__u64 difference)
{
	return (__s64)difference < 0 ? 0 : difference;
}

static inline __attribute__((always_inline)) void wire_sum_space(struct living_space *living)
{
	struct space *space = &living->space;
	struct space_slot sum = {};

	for (int i = 0; i < WIRE_SPACE_SLOTS; i++) {
		sum.allocated_bytes += living->slots[i].allocated_bytes;
		sum.allocated_blocks += living->slots[i].allocated_blocks;
		sum.freed_bytes += living->slots[i].freed_bytes;
		sum.freed_blocks += living->slots[i].freed_blocks;
	}
	space->allocated_bytes = sum.allocated_bytes;
	space->allocated_blocks = sum.allocated_blocks;
	space->freed_bytes = sum.freed_bytes;
	space->freed_blocks = sum.freed_blocks;
	space->held_bytes =
		wire_at_least_0(sum.allocated_bytes - sum.freed_bytes - space->unrecorded_bytes);
	space->held_blocks =
		wire_at_least_0(sum.allocated_blocks - sum.freed_blocks - space->unrecorded_blocks);
}

_Static_assert(sizeof(struct block_key) == 16, "block_key");
_Static_assert(sizeof(struct block) == 24, "block");
_Static_assert(sizeof(struct site_key) == 16, "site_key");
_Static_assert(sizeof(struct site) == WIRE_SITE_SLOTS * WIRE_CACHE_LINE, "site");
_Static_assert(sizeof(struct site_index_key) == 16, "site_index_key");
_Static_assert(sizeof(struct stack) == 8 + 8 * WIRE_MAX_FRAMES, "stack");
_Static_assert(sizeof(struct memory_counters) == 56, "memory_counters");
_Static_assert(sizeof(struct space) == 648, "space");
_Static_assert(sizeof(struct space_slot) == WIRE_CACHE_LINE, "space_slot");
_Static_assert(sizeof(struct target) == 16, "target");
_Static_assert(sizeof(struct event) == 56, "event");
_Static_assert(sizeof(struct holder) == 32, "holder");

#endif
