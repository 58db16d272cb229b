// SPDX-License-Identifier: GPL-2.0
/*
 * Page frames that go back to the allocator while a task tears an address space down. A lower bound
 * of what the kernel took back: frames that another CPU's batch still holds, that are pinned or
 * shared, are not among them.
 */
#include "maps.h"

#define PAGE_MAPPING_ANON 1UL

/* args: page, order. Each frame once; mm_page_free_batched would count it again. */
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
