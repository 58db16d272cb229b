/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Exact readings of an address space's memory counters, on kernels before and after 6.2, when the
 * resident-set counters became per-CPU. The plain `count` is off by tens of pages there; the sum
 * over all CPUs is exact.
 */
#ifndef MEMORY_H
#define MEMORY_H

#include "maps.h"

/* The kernel's indexes into rss_stat (include/linux/mm_types_task.h). */
#define RSS_FILE 0
#define RSS_ANON 1
#define RSS_SWAP 2
#define RSS_SHMEM 3

#define MMF_UNSTABLE_BIT 22 /* the OOM reaper or process_mrelease is at work on this mm */

/* The same bits, which the verifier no longer takes for a pointer, so that it allows arithmetic. */
static __always_inline __u64 as_scalar(const void *pointer)
{
	const void *copy = pointer;
	__u64 scalar = 0;

	bpf_probe_read_kernel(&scalar, sizeof(scalar), &copy);
	return scalar;
}

#define CPUS_AT_ONCE 64

/*
 * The sum of a per-CPU __s32 over CPUS_AT_ONCE CPUs from first_cpu on. It is a global function, in
 * memory.bpf.c, because the verifier follows every round of a loop but a global function only once:
 * so this loads on machines with thousands of CPUs too.
 */
__u64 sum_over_cpus(__u64 percpu_pointer, __u32 first_cpu);

static __always_inline void sum_percpu_counters(__u64 mm_address, struct memory_counters *sums)
{
	struct mm_struct *mm = (struct mm_struct *)mm_address;
	__s64 count[4];
	__u64 deltas[4];

	/* Written out: a relocation needs a constant index before any loop is unrolled. */
	count[RSS_FILE] = BPF_CORE_READ(mm, rss_stat[RSS_FILE].count);
	count[RSS_ANON] = BPF_CORE_READ(mm, rss_stat[RSS_ANON].count);
	count[RSS_SWAP] = BPF_CORE_READ(mm, rss_stat[RSS_SWAP].count);
	count[RSS_SHMEM] = BPF_CORE_READ(mm, rss_stat[RSS_SHMEM].count);
	deltas[RSS_FILE] = (__u64)BPF_CORE_READ(mm, rss_stat[RSS_FILE].counters);
	deltas[RSS_ANON] = (__u64)BPF_CORE_READ(mm, rss_stat[RSS_ANON].counters);
	deltas[RSS_SWAP] = (__u64)BPF_CORE_READ(mm, rss_stat[RSS_SWAP].counters);
	deltas[RSS_SHMEM] = (__u64)BPF_CORE_READ(mm, rss_stat[RSS_SHMEM].counters);
	for (__u32 cpu = 0; cpu < config_nr_cpus; cpu += CPUS_AT_ONCE) {
#pragma unroll
		for (int i = 0; i < 4; i++)
			count[i] += (__s64)sum_over_cpus(deltas[i], cpu);
	}
	sums->file = count[RSS_FILE];
	sums->anon = count[RSS_ANON];
	sums->swap = count[RSS_SWAP];
	sums->shmem = count[RSS_SHMEM];
}

/* Reads the counters of the mm at that address into *counters (a map value). */
static __always_inline void read_memory(__u64 mm_address, struct memory_counters *counters)
{
	struct mm_struct *mm = (struct mm_struct *)mm_address;
	struct mm_struct___old *old = (struct mm_struct___old *)mm_address;

	if (bpf_core_field_exists(old->rss_stat.count)) {
		counters->file = BPF_CORE_READ(old, rss_stat.count[RSS_FILE].counter);
		counters->anon = BPF_CORE_READ(old, rss_stat.count[RSS_ANON].counter);
		counters->swap = BPF_CORE_READ(old, rss_stat.count[RSS_SWAP].counter);
		counters->shmem = BPF_CORE_READ(old, rss_stat.count[RSS_SHMEM].counter);
	} else {
		sum_percpu_counters(mm_address, counters);
	}
	if (bpf_core_field_exists(mm->hugetlb_usage))
		counters->hugetlb = BPF_CORE_READ(mm, hugetlb_usage.counter);
	counters->page_table_bytes = BPF_CORE_READ(mm, pgtables_bytes.counter);
	counters->virtual_pages = BPF_CORE_READ(mm, total_vm);
}

/* Keeps the larger of two readings of a memory whose pages the kernel may be taking. */
static __always_inline void keep_larger(struct memory_counters *kept,
					const struct memory_counters *now)
{
	if (now->anon > kept->anon)
		*kept = *now;
}

static __always_inline bool memory_was_reaped(__u64 mm_address)
{
	struct mm_struct___bitmap *bitmap = (struct mm_struct___bitmap *)mm_address;
	struct mm_struct *mm = (struct mm_struct *)mm_address;
	unsigned long flags;

	if (bpf_core_field_exists(bitmap->flags.__mm_flags))
		flags = BPF_CORE_READ(bitmap, flags.__mm_flags[0]);
	else
		flags = BPF_CORE_READ(mm, flags);
	return flags & (1UL << MMF_UNSTABLE_BIT);
}

static __always_inline bool memory_was_merged(__u64 mm_address)
{
	struct mm_struct *mm = (struct mm_struct *)mm_address;

	return bpf_core_field_exists(mm->ksm_merging_pages) &&
	       BPF_CORE_READ(mm, ksm_merging_pages) > 0;
}

#endif
