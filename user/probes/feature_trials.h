/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Trials of single kernel features. Each does as the tracer would, undoes it, and returns 0, or the
 * errno that says why it is not possible.
 */
#ifndef FEATURE_TRIALS_H
#define FEATURE_TRIALS_H

#include <bpf/btf.h>
#include <linux/bpf.h>
#include <stdbool.h>

/* The perf event type of that kind, "kprobe" or "uprobe". Negative: this kernel has none. */
int feature_trials__perf_type(const char *kind);

/* Do missing privileges or a security module forbid recording mappings by perf events? */
bool feature_trials__perf_events_forbidden(void);

int feature_trials__kprobe(const char *function);
int feature_trials__perf_uprobe(void);

/* Attaches a program to the function's entry for a moment. */
int feature_trials__fentry(const struct btf *kernel_types, const char *function);

int feature_trials__raw_tracepoint(const struct btf *kernel_types, const char *name);
int feature_trials__type(const struct btf *kernel_types, const char *structure);
int feature_trials__exit_has_memory(const struct btf *kernel_types);
int feature_trials__write_text(void); /* this process's own code, through /proc */
int feature_trials__helper(enum bpf_func_id helper); /* in uprobe programs */

#endif
