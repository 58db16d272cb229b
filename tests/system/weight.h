/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The memory of a process by the kernel's figures, for comparison with the tracer's figures at the
 * end of the same process. The text is /proc/PID/status and smaps_rollup: as the victim weigh
 * prints them just before its end, or as read here while weigh waits to be killed.
 */
#ifndef WEIGHT_H
#define WEIGHT_H

#include "harness.h"

struct weight {
	/* From smaps_rollup, which walks the page tables: exact on every kernel. */
	long long resident_bytes, anon_bytes, huge_bytes, swap_bytes;
	/* From status. Its resident figures are estimates since 6.2; these are exact. */
	long long page_table_bytes, virtual_bytes;
};

/* The last weight that was printed, and the n-th, from 0: each process is weighed twice. */
struct weight weight_printed(const char *output);
struct weight nth_weight_printed(const char *output, unsigned int n);
struct weight weight_of(pid_t pid);

/* Traces weigh with these arguments; it must succeed. */
struct run *run_weigh(const char *const *options, const char *const *words);
/* Starts a tracer of weigh, which waits to be killed: "wait" must be the last argument. */
struct child *start_weigh(const char *const *words, pid_t *pid);
/* The number after a word that begins a line, such as "child ". */
pid_t pid_after(const char *output, const char *word);

/* Asserts that every figure of the report is the weight's; shared_bytes of the rest are shmem. */
void assert_figures(const json_t *record, const struct weight *weight, long long shared_bytes);
/* Asserts also that the verdict and the frames that came back agree. */
void assert_weight(const json_t *record, const struct weight *weight, long long shared_bytes);
/*
 * Asserts that the counted frames do not include another process's. Returns false when no frames
 * were counted: anybody who reads the maps of a process at its end may be the one who frees them.
 */
bool assert_frames(const json_t *record);

#endif
