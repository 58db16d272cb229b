// SPDX-License-Identifier: GPL-2.0
/*
 * Counts page frames that go back to the page allocator while a task tears an address space down.
 * The count is a lower bound of what the kernel took back: it lacks frames that are pinned, shared,
 * or still in the batch of another CPU.
 */
#include "maps.h"

#define PAGE_MAPPING_ANON 1UL

/* args: page, order. It sees each frame once; mm_page_free_batched would count frames twice. */
SEC("raw_tp/mm_page_free")
int page_free(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 tid = (__u32)bpf_get_current_pid_tgid();
	struct teardown *teardown = bpf_map_lookup_elem(&teardowns, &tid);
	struct page *page = (struct page *)ctx->args[0];

	if (!teardown)
		return 0;
	if ((__u64)BPF_CORE_READ(page, mapping) & PAGE_MAPPING_ANON)
		teardown->anon_pages += 1ULL << (ctx->args[1] & 63);
	else
		teardown->other_pages += 1ULL << (ctx->args[1] & 63);
	return 0;
}
