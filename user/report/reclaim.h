/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The verdict: did the kernel take back what an address space held? A pure function over what the
 * exit hooks saw before and after the teardown.
 */
#ifndef RECLAIM_H
#define RECLAIM_H

#include "bpf/wire.h"
#include "report/report.h"

struct reclaim_input {
	bool before_read, after_read; /* the hooks ran and their figures are in the record */
	struct memory_counters before; /* just before the teardown */
	struct memory_counters early; /* at the process's end; zero when there was no second look */
	struct memory_counters after;
	bool frames_measured; /* the teardown ran where freed frames were counted */
	uint64_t freed_anon_pages, freed_other_pages;
	bool reaped; /* the OOM reaper or process_mrelease took pages earlier */
	bool has_relatives; /* forked from, or forked, something that may share pages; or KSM */
	pid_t relative; /* 0: unknown */
	unsigned int nr_cpus;
	unsigned int page_bytes;
	bool still_in_use; /* the process is gone, and something else uses its memory */
};

/*
 * Fills reclaimed, stays (but for shared memory), verified, why and freed_frames of *report.
 */
void reclaim__judge(const struct reclaim_input *input, struct process_report *report);

#endif
