// SPDX-License-Identifier: GPL-2.0
/*
 * The probes on the malloc family: shims over the policy in blocks.bpf.c. User space attaches them
 * to the file offsets that it found. It attaches one session program (entry and return in one, the
 * cookie names the function), or two multi-uprobe programs (entries by cookie, and returns), or
 * perf events (an entry probe for each function and one return probe). To trace one process, it
 * attaches sessions and perf events.
 */
#include "allocator.h"
#include "spaces.h"

const volatile bool config_avoid_private_stack = false;

/* Always empty. All programs that name one must be attached alike. */
struct no_programs {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} no_sessions SEC(".maps"), no_multis SEC(".maps"), no_perf_events SEC(".maps");

/*
 * From 6.13 on the kernel gives a program of this type one stack for each CPU, as if the program
 * could not be preempted. A program on a uprobe can be, and then two threads on a CPU write to one
 * stack. The kernel does not do so for a program with a tail call. This tail call is never made,
 * since the user stack pointer is never 0.
 */
static __always_inline void avoid_private_stack(struct pt_regs *ctx, void *no_programs)
{
	if (config_avoid_private_stack && !PT_REGS_SP(ctx))
		bpf_tail_call(ctx, no_programs, 0);
}

/*
 * At the entry the instruction pointer is at the probe; at the return it is after the call. (The
 * kfunc bpf_session_is_return would also tell, but its signature changed in 7.0, and libbpf
 * before 1.3 cannot name two variants.)
 */
SEC("uprobe")
int allocator_session(struct pt_regs *ctx)
{
	avoid_private_stack(ctx, &no_sessions);
	if (bpf_get_func_ip(ctx) != PT_REGS_IP(ctx))
		return allocation_return(ctx);
	return allocation_enter(ctx, bpf_get_attach_cookie(ctx));
}

/* Beside sessions, too: these would put a return probe there. */
SEC("uprobe")
int by_ret_enter(struct pt_regs *ctx)
{
	avoid_private_stack(ctx, &no_multis);
	allocation_enter(ctx, bpf_get_attach_cookie(ctx));
	return 0;
}

SEC("uprobe")
int by_ret_return(struct pt_regs *ctx)
{
	avoid_private_stack(ctx, &no_multis);
	return new_return(ctx);
}

SEC("uprobe")
int allocator_free(struct pt_regs *ctx)
{
	avoid_private_stack(ctx, &no_multis);
	return free_enter(ctx, bpf_get_attach_cookie(ctx));
}

SEC("uprobe")
int allocator_enter(struct pt_regs *ctx)
{
	avoid_private_stack(ctx, &no_multis);
	allocation_enter(ctx, bpf_get_attach_cookie(ctx));
	return 0;
}

/*
 * The kernel inserts the breakpoints of a link to one process into the memory of its first thread.
 * After that thread has left, it inserts none, though existing breakpoints still serve the link. The
 * link of this program is to no process: it brings the breakpoints, and the program does nothing.
 */
SEC("uprobe")
int breakpoints_alone(struct pt_regs *ctx)
{
	return 0;
}

/*
 * The programs below are for perf events; allocator_return is for multi-uprobes too. Beside session
 * links, they serve processes that share the memory of a target under another PID (vfork, clone
 * with CLONE_VM), and leave the threads of the target itself to the session.
 */
static __always_inline bool served_by_session(void)
{
	__u32 tgid = current_tgid();

	return config_scoped && bpf_map_lookup_elem(&targets, &tgid);
}

static __always_inline int enter(struct pt_regs *ctx, __u64 cookie)
{
	if (!served_by_session())
		allocation_enter(ctx, cookie);
	return 0;
}

SEC("uprobe")
int malloc_enter(struct pt_regs *ctx)
{
	avoid_private_stack(ctx, &no_perf_events);
	return enter(ctx, FUNCTION_MALLOC);
}

SEC("uprobe")
int calloc_enter(struct pt_regs *ctx)
{
	avoid_private_stack(ctx, &no_perf_events);
	return enter(ctx, FUNCTION_CALLOC);
}

SEC("uprobe")
int realloc_enter(struct pt_regs *ctx)
{
	avoid_private_stack(ctx, &no_perf_events);
	return enter(ctx, FUNCTION_REALLOC);
}

SEC("uprobe")
int reallocarray_enter(struct pt_regs *ctx)
{
	avoid_private_stack(ctx, &no_perf_events);
	return enter(ctx, FUNCTION_REALLOCARRAY);
}

SEC("uprobe")
int xallocx_enter(struct pt_regs *ctx)
{
	avoid_private_stack(ctx, &no_perf_events);
	return enter(ctx, FUNCTION_XALLOCX);
}

SEC("uprobe")
int memalign_enter(struct pt_regs *ctx)
{
	avoid_private_stack(ctx, &no_perf_events);
	return enter(ctx, FUNCTION_MEMALIGN);
}

SEC("uprobe")
int posix_memalign_enter(struct pt_regs *ctx)
{
	avoid_private_stack(ctx, &no_perf_events);
	return enter(ctx, FUNCTION_POSIX_MEMALIGN);
}

SEC("uretprobe")
int allocator_return(struct pt_regs *ctx)
{
	avoid_private_stack(ctx, &no_perf_events);
	return served_by_session() ? 0 : allocation_return(ctx);
}

/* For kernels that cannot walk a stack by tables, and for --stack-walk frame-pointers. */
SEC("uretprobe")
int allocator_return_old(struct pt_regs *ctx)
{
	avoid_private_stack(ctx, &no_perf_events);
	return served_by_session() ? 0 : allocation_return_old(ctx);
}

SEC("uprobe")
int operator_new_enter_perf(struct pt_regs *ctx)
{
	avoid_private_stack(ctx, &no_perf_events);
	return enter(ctx, FUNCTION_NEW);
}

SEC("uprobe")
int by_ret_return_perf(struct pt_regs *ctx)
{
	avoid_private_stack(ctx, &no_perf_events);
	return served_by_session() ? 0 : new_return(ctx);
}

/* As allocator_return_old. */
SEC("uprobe")
int by_ret_return_old(struct pt_regs *ctx)
{
	avoid_private_stack(ctx, &no_perf_events);
	return served_by_session() ? 0 : new_return_old(ctx);
}

SEC("uprobe")
int free_enter_perf(struct pt_regs *ctx)
{
	avoid_private_stack(ctx, &no_perf_events);
	return served_by_session() ? 0 : free_enter(ctx, FUNCTION_FREE);
}

/* For the user's functions. Loaded only for these: kernels before 5.15 have no cookies. */
SEC("uprobe")
int defined_enter_perf(struct pt_regs *ctx)
{
	avoid_private_stack(ctx, &no_perf_events);
	return enter(ctx, bpf_get_attach_cookie(ctx));
}

SEC("uprobe")
int defined_free_perf(struct pt_regs *ctx)
{
	avoid_private_stack(ctx, &no_perf_events);
	return served_by_session() ? 0 : free_enter(ctx, bpf_get_attach_cookie(ctx));
}
