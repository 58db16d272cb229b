// SPDX-License-Identifier: GPL-2.0
/*
 * The bookkeeping of allocations and frees: it pairs calls with returns, and keeps outstanding
 * blocks, sites and counters. A block is recorded when the allocator returns it, before the caller
 * can see it. Its record is deleted when free is entered, before the allocator can hand the block
 * out again.
 */
#include "allocator.h"
#include "nesting.h"
#include "spaces.h"

const volatile bool config_system_wide = false;
const volatile bool config_follow = false;
const volatile __u32 config_own_tgid = 0;
const volatile bool config_trace = false;
const volatile __u64 config_min_bytes = 0;
const volatile __u64 config_max_bytes = ~0ULL;
const volatile __u32 config_nr_cpus = 1;
const volatile bool config_scoped = false;
const volatile bool config_stacks = true;
const volatile bool config_typed_task = false;
const volatile bool config_exit_by_tracepoint = false;
const volatile __u64 zeroes[sizeof(struct thread) / sizeof(__u64)] = {};

#if defined(__TARGET_ARCH_x86)
#define RETURN_ADDRESS_BYTES 8 /* `ret` pops it */
#else
#define RETURN_ADDRESS_BYTES 0
#endif

#define SITE_INDEX_TRIES 16
#define SIZE_UNKNOWN (~0ULL) /* in an event: the block was not recorded */

static __always_inline void send_trace(__u32 type, __u32 function, __u64 address, __u64 size_bytes)
{
	struct event *event = bpf_ringbuf_reserve(&ring, sizeof(*event), 0);
	__u64 pid_tgid = bpf_get_current_pid_tgid();

	if (!event) {
		count_loss(LOSS_TRACE_EVENT);
		return;
	}
	event->type = type;
	event->function = function;
	event->tgid = pid_tgid >> 32;
	event->tid = (__u32)pid_tgid;
	event->time_ns = bpf_ktime_get_ns();
	event->address = address;
	event->size_bytes = size_bytes;
	bpf_get_current_comm(&event->comm, sizeof(event->comm));
	bpf_ringbuf_submit(event, 0);
}

/*
 * From 6.11 on the trampoline saves registers before it enters the kernel, and the first of them
 * overwrites the return address. A thread that dies in between is still on its way back. (The
 * helper came with 5.15, before any kernel on which typed tasks are used.)
 */
static __always_inline bool is_in_trampoline(struct task_struct *task)
{
	struct xol_area *area = BPF_CORE_READ(task, mm, uprobes_state.xol_area);
	struct pt_regs *registers;
	__u64 ip = 0;

	if (!config_typed_task)
		return false;
	registers = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	bpf_probe_read_kernel(&ip, sizeof(ip), &PT_REGS_IP(registers));
	return ip >> PAGE_MASK_BITS == BPF_CORE_READ(area, vaddr) >> PAGE_MASK_BITS;
}

/* A call that has ended, but did not return to its caller: operator new threw an exception. */
static __always_inline void count_unreturned(struct space *space, const struct call *call)
{
	if (returns_by_ret(call->function))
		add(&space->failed, 1);
	else
		add(&space->lost[LOSS_RETURN], 1);
}

__hidden int count_lost_return(struct space *space)
{
	struct thread *thread = thread_of_current(false);
	struct task_struct *task = current_task();

	if (thread && thread->call.sp && !may_return(task, &thread->call) &&
	    !is_in_trampoline(task))
		count_unreturned(space, &thread->call);
	return 0;
}

/* Lists a new site of a space. Several threads may do so at once; each takes the next free n. */
static __always_inline void list_site(struct space *space, __u64 stack_id)
{
	struct site_index_key key = { .serial = space->serial, .n = space->nr_sites };

	for (int i = 0; i < SITE_INDEX_TRIES; i++) {
		if (!bpf_map_update_elem(&site_index, &key, &stack_id, BPF_NOEXIST)) {
			add(&space->nr_sites, 1);
			return;
		}
		key.n++;
	}
	/* Not listed: reports show these bytes as held from stacks that were not kept. */
	add(&space->lost[LOSS_SITE_MAP_FULL], 1);
}

static __always_inline struct site *site_of(struct space *space, __u64 stack_id)
{
	struct site_key key = { .serial = space->serial, .stack_id = stack_id };
	struct site *site = bpf_map_lookup_elem(&sites, &key);

	if (site)
		return site;
	if (!bpf_map_update_elem(&sites, &key, (const void *)&zeroes, BPF_NOEXIST))
		list_site(space, stack_id);
	return bpf_map_lookup_elem(&sites, &key);
}

static __always_inline void add_to_site(struct space *space, const struct block *block)
{
	struct site_slot *slot;
	struct site *site;

	if (!config_stacks)
		return;
	site = site_of(space, block->stack_id);
	if (!site) {
		add(&space->lost[LOSS_SITE_MAP_FULL], 1);
		return;
	}
	slot = &site->slots[slot_of_cpu(WIRE_SITE_SLOTS)];
	add(&slot->bytes, block->size_bytes);
	add(&slot->blocks, 1);
}

static __always_inline void release(struct space *space, const struct block *block)
{
	struct site_key key = { .serial = space->serial, .stack_id = block->stack_id };
	struct space_slot *slot = slot_of_space(space);
	struct site_slot *site_slot;
	struct site *site;

	add(&slot->freed_bytes, block->size_bytes);
	add(&slot->freed_blocks, 1);
	if (!config_stacks)
		return;
	site = bpf_map_lookup_elem(&sites, &key);
	if (!site)
		return;
	site_slot = &site->slots[slot_of_cpu(WIRE_SITE_SLOTS)];
	add(&site_slot->bytes, -block->size_bytes);
	add(&site_slot->blocks, -1);
}

/*
 * The block is freed here, but forked children may still hold a copy. Keep a ghost so that their
 * frees can be sized.
 */
static __always_inline void leave_ghost(struct space *space, __u64 address,
					const struct block *block)
{
	struct block_key key = { .address = address | WIRE_GHOST, .serial = space->serial };
	struct block ghost = *block;

	if (!space->living_copies || block->time_ns > space->last_fork_ns)
		return;
	ghost.stack_id = bpf_ktime_get_ns();
	if (bpf_map_update_elem(&blocks, &key, &ghost, BPF_ANY))
		add(&space->lost[LOSS_GHOST], 1);
}

/*
 * Takes the record of a block out of the map. False: there is none. The ghost is inserted first, so
 * that a copy that frees the block at this moment finds one of the two.
 */
static __always_inline bool take_block(struct space *space, __u64 address, struct block *taken)
{
	struct block_key key = { .address = address, .serial = space->serial };
	struct block *block = bpf_map_lookup_elem(&blocks, &key);

	if (!block)
		return false;
	*taken = *block;
	leave_ghost(space, address, taken);
	return !bpf_map_delete_elem(&blocks, &key);
}

/*
 * The size of a block that a forked copy inherited from an ancestor. It comes from the ancestor's
 * own record or from its ghost, as either was when the lineage parted.
 */
static __always_inline bool find_inherited(const struct space *space, __u64 address,
					   __u64 *size_bytes)
{
	__u64 parted_ns = time_of_serial(space->serial);

#pragma unroll
	for (int i = 0; i < WIRE_MAX_ANCESTORS; i++) {
		struct block_key key = { .address = address, .serial = space->ancestors[i] };
		struct block *block;

		if (!key.serial)
			return false;
		block = bpf_map_lookup_elem(&blocks, &key);
		if (!block || block->time_ns > parted_ns) {
			key.address |= WIRE_GHOST;
			block = bpf_map_lookup_elem(&blocks, &key);
			if (block && (block->time_ns > parted_ns || block->stack_id < parted_ns))
				block = NULL;
		}
		if (block) {
			*size_bytes = block->size_bytes;
			return true;
		}
		parted_ns = time_of_serial(key.serial);
	}
	return false;
}

/*
 * Counts the free of a block that has no record in this space. Returns its size, or SIZE_UNKNOWN.
 * Inside another call an unknown block is no loss: a block that an allocator gets inside a call has
 * no record.
 */
static __always_inline __u64 count_foreign_free(struct space *space, __u64 address, bool inside)
{
	__u64 size_bytes = SIZE_UNKNOWN;

	if (space->ancestors[0] && find_inherited(space, address, &size_bytes)) {
		add(&space->inherited_freed_bytes, size_bytes);
		add(&space->inherited_freed_blocks, 1);
	} else if (!inside) {
		add(&space->unknown_frees, 1);
		if (space->flags & SPACE_MORE_ANCESTORS)
			add(&space->lost[LOSS_ANCESTOR], 1);
	}
	return size_bytes;
}

static __always_inline void record_block(struct space *space, __u64 address,
					 const struct block *block)
{
	struct block_key key = { .address = address, .serial = space->serial };
	long err = bpf_map_update_elem(&blocks, &key, block, BPF_NOEXIST);
	struct block unseen;

	if (err == -EEXIST) {
		/* The allocator hands out a block that is recorded as held: its free was not seen. */
		if (take_block(space, address, &unseen))
			release(space, &unseen);
		add(&space->lost[LOSS_FREE], 1);
		err = bpf_map_update_elem(&blocks, &key, block, BPF_ANY);
	}
	if (!err) {
		add_to_site(space, block);
		return;
	}
	add(&space->lost[LOSS_BLOCK_MAP_FULL], 1);
	add(&space->unrecorded_blocks, 1);
	add(&space->unrecorded_bytes, block->size_bytes);
}

/*
 * count * size as calloc computes it. calloc fails on an overflow, so any impossible size will do.
 * It is computed by halves, because the compiler turns the usual test into a 128-bit
 * multiplication, which BPF lacks.
 */
static __always_inline __u64 product(__u64 count, __u64 size)
{
	__u64 large = count > size ? count : size, small = count > size ? size : count;
	__u64 high = (large >> 32) * small, low = (large & 0xffffffff) * small;

	if (small >> 32 || high >> 32 || (high << 32) + low < low)
		return ~0ULL;
	return (high << 32) + low;
}

#ifndef PT_REGS_PARM6 /* libbpf before 1.2 */
#define PT_REGS_PARM6(ctx) ((ctx)->r9)
#endif

/* The arguments that a call passes in registers. */
struct arguments {
	__u64 first, second, third, fourth, fifth, sixth;
};

/*
 * All at once: the verifier wants fixed offsets, and the compiler would choose an offset rather
 * than a value.
 */
static __always_inline struct arguments arguments_of(struct pt_regs *ctx)
{
	struct arguments arguments = { PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx), PT_REGS_PARM3(ctx),
				       PT_REGS_PARM4(ctx), PT_REGS_PARM5(ctx), PT_REGS_PARM6(ctx) };

	barrier_var(arguments.first);
	barrier_var(arguments.second);
	barrier_var(arguments.third);
	barrier_var(arguments.fourth);
	barrier_var(arguments.fifth);
	barrier_var(arguments.sixth);
	return arguments;
}

/* The argument of that number, from 1; 0 if there is none. */
static __always_inline __u64 numbered(const struct arguments *arguments, __u64 number)
{
	switch (number) {
	case 1:
		return arguments->first;
	case 2:
		return arguments->second;
	case 3:
		return arguments->third;
	case 4:
		return arguments->fourth;
	case 5:
		return arguments->fifth;
	case 6:
		return arguments->sixth;
	}
	return 0;
}

static __always_inline void read_defined(struct call *call, __u64 cookie,
					 const struct arguments *arguments)
{
	__u64 size = numbered(arguments, WIRE_COOKIE_SIZE(cookie));

	if (WIRE_COOKIE_COUNT(cookie))
		size = product(numbered(arguments, WIRE_COOKIE_COUNT(cookie)), size);
	call->size_bytes = size;
	call->result = numbered(arguments, WIRE_COOKIE_BLOCK(cookie));
}

static __always_inline void read_arguments(struct call *call, __u64 cookie,
					   const struct arguments *arguments)
{
	__u64 first = arguments->first, second = arguments->second, third = arguments->third;

	switch (call->function) {
	case FUNCTION_MALLOC:
	case FUNCTION_NEW:
		call->size_bytes = first;
		break;
	case FUNCTION_CALLOC:
		call->size_bytes = product(first, second);
		break;
	case FUNCTION_REALLOC:
	case FUNCTION_XALLOCX:
		call->old_address = first;
		call->size_bytes = second;
		break;
	case FUNCTION_REALLOCARRAY:
		call->old_address = first;
		call->size_bytes = product(second, third);
		break;
	case FUNCTION_MEMALIGN:
		call->size_bytes = second;
		break;
	case FUNCTION_POSIX_MEMALIGN:
		call->result = first;
		call->size_bytes = third;
		break;
	case FUNCTION_DEFINED:
	case FUNCTION_DEFINED_BY_RET:
		read_defined(call, cookie, arguments);
		break;
	}
}

static __always_inline bool size_is_wanted(__u64 size_bytes)
{
	return size_bytes >= config_min_bytes && size_bytes <= config_max_bytes;
}

__hidden int allocation_enter(struct pt_regs *ctx, __u64 cookie)
{
	__u32 function = WIRE_COOKIE_FUNCTION(cookie);
	const struct arguments arguments = arguments_of(ctx);
	__u64 sp = PT_REGS_SP(ctx), ip = PT_REGS_IP(ctx);
	struct space *space = space_of_current();
	struct thread *thread;
	struct call *call;

	if (!space)
		return 1;
	thread = thread_of_current(true);
	if (!thread) {
		add(&space->lost[LOSS_THREAD_MAP_FULL], 1);
		return 1;
	}
	call = &thread->call;
	if (call_in_flight(call, sp, ip)) {
		if (call->function == function && !space->calls_nest)
			space->calls_nest = 1;
		return 1;
	}
	if (call->sp)
		count_unreturned(space, call);
	__builtin_memset(call, 0, sizeof(*call));
	call->function = function;
	if (returns_by_ret(function)) {
		call->return_address = return_address_at(sp);
		call->ip = ip;
	}
	read_arguments(call, cookie, &arguments);
	if (call->old_address) {
		/*
		 * From here on the allocator may give the old address to another thread. So the
		 * record moves into the call, and its bytes stay held until the outcome is known.
		 */
		call->old_known = take_block(space, call->old_address, &call->old);
	} else if (!size_is_wanted(call->size_bytes)) {
		return 1;
	}
	call->sp = sp;
	return 0;
}

/* Where a successful call put the block; 0 when it failed. -1 is no handle: open, mmap. */
static __always_inline __u64 returned_address(const struct call *call, __u64 result)
{
	__u64 address = 0;

	if (call->function == FUNCTION_XALLOCX)
		return result >= call->size_bytes ? call->old_address : 0;
	if (!call->result)
		return call->function >= FUNCTION_DEFINED && (__u32)result == ~0U ? 0 : result;
	if ((int)result == 0)
		bpf_probe_read_user(&address, sizeof(address), (void *)call->result);
	return address;
}

/* realloc has returned: the old block is freed, or stays. */
static __always_inline void settle_old_block(struct space *space, struct call *call, bool freed)
{
	struct block_key key = { .address = call->old_address, .serial = space->serial };

	__u64 size_bytes = call->old.size_bytes;

	if (freed && call->old_known) {
		release(space, &call->old);
	} else if (freed) {
		size_bytes = count_foreign_free(space, call->old_address, false);
	} else if (call->old_known && bpf_map_update_elem(&blocks, &key, &call->old, BPF_ANY)) {
		add(&space->lost[LOSS_BLOCK_MAP_FULL], 1);
	}
	if (freed && config_trace)
		send_trace(EVENT_FREE, call->function, call->old_address, size_bytes);
}

/* The thread that returns from its outermost call: at a ret or, after a return probe, past it. */
static __always_inline struct thread *returning_thread(__u64 sp, bool at_ret)
{
	struct thread *thread = thread_of_current(false);
	const struct call *call;

	if (!thread)
		return NULL;
	call = &thread->call;
	/* Some rets belong to other functions, too. */
	return call->sp && call->sp == sp && returns_by_ret(call->function) == at_ret ? thread :
											NULL;
}

static __always_inline int finish_call(struct pt_regs *ctx, struct thread *thread, bool old_kernel)
{
	struct call *call = &thread->call;
	__u64 result = PT_REGS_RC(ctx);
	struct block block = {};
	struct space_slot *slot;
	struct space *space;
	__u64 address;

	call->sp = 0;
	space = space_of_current();
	if (!space)
		return 0;
	address = returned_address(call, result);
	if (call->old_address) {
		/* NULL for size 0 is glibc's way to say that it freed the block. */
		settle_old_block(space, call, address || !call->size_bytes);
		if (!size_is_wanted(call->size_bytes))
			return 0;
	}
	if (!address) {
		/* malloc(0) may return NULL. */
		if (call->size_bytes || call->function >= FUNCTION_DEFINED)
			add(&space->failed, 1);
		return 0;
	}
	slot = slot_of_space(space);
	add(&slot->allocated_bytes, call->size_bytes);
	add(&slot->allocated_blocks, 1);
	block.size_bytes = call->size_bytes;
	if (config_stacks) {
		block.stack_id =
			old_kernel ? record_stack_old(ctx, thread, space, call->return_address) :
				     record_stack(ctx, thread, space, call->return_address);
		if (block.stack_id == WIRE_STACK_UNKNOWN)
			add(&space->lost[LOSS_STACK], 1);
	}
	block.time_ns = bpf_ktime_get_ns();
	record_block(space, address, &block);
	if (config_trace)
		send_trace(EVENT_ALLOCATION, call->function, address, call->size_bytes);
	return 0;
}

static __always_inline int after_return(struct pt_regs *ctx, bool old_kernel)
{
	struct thread *thread = returning_thread(PT_REGS_SP(ctx) - RETURN_ADDRESS_BYTES, false);

	return thread ? finish_call(ctx, thread, old_kernel) : 0;
}

static __always_inline int at_ret(struct pt_regs *ctx, bool old_kernel)
{
	struct thread *thread = returning_thread(PT_REGS_SP(ctx), true);

	return thread ? finish_call(ctx, thread, old_kernel) : 0;
}

__hidden int allocation_return(struct pt_regs *ctx)
{
	return after_return(ctx, false);
}

__hidden int allocation_return_old(struct pt_regs *ctx)
{
	return after_return(ctx, true);
}

__hidden int new_return(struct pt_regs *ctx)
{
	return at_ret(ctx, false);
}

__hidden int new_return_old(struct pt_regs *ctx)
{
	return at_ret(ctx, true);
}

__hidden int free_enter(struct pt_regs *ctx, __u64 cookie)
{
	const struct arguments arguments = arguments_of(ctx);
	__u64 number = WIRE_COOKIE_BLOCK(cookie);
	struct free_call call = {
		.address = numbered(&arguments, number ? number : 1),
		.sp = PT_REGS_SP(ctx),
		.ip = PT_REGS_IP(ctx),
	};
	__u64 outer_address = 0;
	bool known, inside = false;
	struct space *space;
	struct block block = {}; /* set: the compiler may read it early */

	if (!call.address)
		return 0;
	space = space_of_current();
	if (!space)
		return 0;
	known = take_block(space, call.address, &block);
	if (known && !space->calls_nest)
		slot_of_space(space)->last_free = call;
	else
		inside = free_is_inside(space, &call, &outer_address);
	if (known) {
		release(space, &block);
	} else {
		if (inside && call.address == outer_address)
			return 0;
		block.size_bytes = count_foreign_free(space, call.address, inside);
		if (inside && block.size_bytes == SIZE_UNKNOWN)
			return 0;
	}
	if (config_trace)
		send_trace(EVENT_FREE, FUNCTION_FREE, call.address, block.size_bytes);
	return 0;
}
