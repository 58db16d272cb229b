// SPDX-License-Identifier: GPL-2.0
/*
 * The probes on the malloc family: shims over the policy in blocks.bpf.c. User space attaches them
 * to the file offsets that it found, either as one session program (entry and return in one, the
 * cookie names the function) or as an entry probe for each function and one return probe.
 */
#include "allocator.h"

/*
 * At the entry the instruction pointer is at the probe, at the return behind the call. (The kfunc
 * bpf_session_is_return would tell too, but its signature changed in 7.0, and libbpf before 1.3
 * can't name two variants.)
 */
SEC("uprobe")
int allocator_session(struct pt_regs *ctx)
{
	if (bpf_get_func_ip(ctx) != PT_REGS_IP(ctx))
		return allocation_return(ctx);
	return allocation_enter(ctx, (__u32)bpf_get_attach_cookie(ctx));
}

SEC("uprobe")
int malloc_enter(struct pt_regs *ctx)
{
	allocation_enter(ctx, FUNCTION_MALLOC);
	return 0;
}

SEC("uprobe")
int calloc_enter(struct pt_regs *ctx)
{
	allocation_enter(ctx, FUNCTION_CALLOC);
	return 0;
}

SEC("uprobe")
int realloc_enter(struct pt_regs *ctx)
{
	allocation_enter(ctx, FUNCTION_REALLOC);
	return 0;
}

SEC("uprobe")
int reallocarray_enter(struct pt_regs *ctx)
{
	allocation_enter(ctx, FUNCTION_REALLOCARRAY);
	return 0;
}

SEC("uprobe")
int memalign_enter(struct pt_regs *ctx)
{
	allocation_enter(ctx, FUNCTION_MEMALIGN);
	return 0;
}

SEC("uprobe")
int posix_memalign_enter(struct pt_regs *ctx)
{
	allocation_enter(ctx, FUNCTION_POSIX_MEMALIGN);
	return 0;
}

SEC("uretprobe")
int allocator_return(struct pt_regs *ctx)
{
	return allocation_return(ctx);
}

SEC("uprobe")
int allocator_free(struct pt_regs *ctx)
{
	return free_enter(ctx);
}
