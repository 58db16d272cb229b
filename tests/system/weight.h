/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel says that a process holds, for comparison with what the tracer says of the same
 * process at its end. The text is /proc/PID/status and smaps_rollup: as the victim weigh prints
 * them with its last breath, or as read here while it waits to be killed.
 */
#ifndef WEIGHT_H
#define WEIGHT_H

#include "harness.h"

struct weight {
	/* Of smaps_rollup, which walks the page tables: exact on every kernel. */
	long long resident_bytes, anon_bytes, huge_bytes, swap_bytes;
	/* Of status. Its resident figures are estimates from 6.2 on; these are not. */
	long long page_table_bytes, virtual_bytes;
};

/* The last weight that was printed, and the n-th, from 0: each process is weighed twice. */
struct weight weight_printed(const char *output);
struct weight nth_weight_printed(const char *output, unsigned int n);
struct weight weight_of(pid_t pid);

/* Traces weigh with these words; it must succeed. */
struct run *run_weigh(const char *const *options, const char *const *words);
/* The same with "wait" as the last word: a tracer whose victim waits to be killed. */
struct child *start_weigh(const char *const *words, pid_t *pid);
/* The number after a word that begins a line, such as "child ". */
pid_t pid_after(const char *output, const char *word);

/* Every figure of the report is the weight's; of what is not anonymous, shared_bytes are shmem. */
void assert_figures(const json_t *record, const struct weight *weight, long long shared_bytes);
/* And the verdict and the frames that came back agree. */
void assert_weight(const json_t *record, const struct weight *weight, long long shared_bytes);
/*
 * The frames that were seen to come back are not another's too. False when they were not counted:
 * anybody who reads the maps of a process at its end may be the one who frees them.
 */
bool assert_frames(const json_t *record);

#endif
