// SPDX-License-Identifier: GPL-2.0
/* Sums over CPUs; see memory.h. */
#include "memory.h"

/*
 * The offset from a per-CPU pointer to the copy of that CPU. kallsyms may hide data symbols, so the
 * offset is the address of a per-CPU map element less the per-CPU pointer that the map stores.
 */
static __always_inline __u64 cpu_offset(__u32 cpu)
{
	__u64 map = as_scalar(&cpu_compass), base = 0;
	__u32 zero = 0;
	void *element = bpf_map_lookup_percpu_elem(&cpu_compass, &zero, cpu);

	if (!element)
		return 0;
	bpf_probe_read_kernel(&base, sizeof(base),
			      (void *)(map + bpf_core_field_offset(struct bpf_array, pptrs)));
	return as_scalar(element) - base;
}

__noinline __u64 sum_over_cpus(__u64 percpu_pointer, __u32 first_cpu)
{
	const struct mm_struct *mm = NULL;
	__s64 sum = 0;

	/* Kernels before 6.2 never call this, and may lack the helper. */
	if (!bpf_core_field_exists(mm->rss_stat[0].counters))
		return 0;
	for (__u32 i = 0; i < CPUS_AT_ONCE; i++) {
		__u64 offset = first_cpu + i < config_nr_cpus ? cpu_offset(first_cpu + i) : 0;
		__s32 delta = 0;

		if (!offset)
			continue;
		bpf_probe_read_kernel(&delta, sizeof(delta), (void *)(percpu_pointer + offset));
		sum += delta;
	}
	return (__u64)sum;
}
