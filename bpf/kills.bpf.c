// SPDX-License-Identifier: GPL-2.0
/*
 * Reads the counters of a process that is being killed, for the figures of its end. As soon as
 * SIGKILL is sent, the OOM reaper and process_mrelease may take the pages of the victim, possibly
 * before it reaches any hook of its own exit.
 */
#include "memory.h"
#include "spaces.h"

#define SIGKILL 9

/*
 * Up to 6.1 each thread counts some of its pages for itself, until its next faults or its end. The
 * counts of threads other than the signalled one go unseen: some tens of pages each.
 */
static __always_inline void add_own_counts(struct task_struct *task,
					   struct memory_counters *counters)
{
	struct task_struct___old *old = (struct task_struct___old *)task;

	if (!bpf_core_field_exists(old->rss_stat))
		return;
	counters->file += BPF_CORE_READ(old, rss_stat.count[RSS_FILE]);
	counters->anon += BPF_CORE_READ(old, rss_stat.count[RSS_ANON]);
	counters->swap += BPF_CORE_READ(old, rss_stat.count[RSS_SWAP]);
	counters->shmem += BPF_CORE_READ(old, rss_stat.count[RSS_SHMEM]);
}

/* args: signal, info, task, group, result. It runs in the sender, before the pages may be reaped. */
SEC("raw_tp/signal_generate")
int signal_generated(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx->args[2];
	struct memory_counters now = {};
	struct space *space;

	/* A result other than 0: the signal was ignored, or is not the first. */
	if ((int)ctx->args[0] != SIGKILL || (int)ctx->args[4])
		return 0;
	space = space_of_mm((__u64)BPF_CORE_READ(task, mm));
	if (!space || space->tgid != (__u32)BPF_CORE_READ(task, tgid) ||
	    space->flags & SPACE_PROCESS_ENDED)
		return 0;
	read_memory(space->mm, &now);
	add_own_counts(task, &now);
	keep_larger(&space->early, &now);
	return 0;
}
