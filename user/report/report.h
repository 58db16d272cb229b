/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A report as plain data: no handles, no kernel types. Filled from a snapshot of the BPF maps,
 * handed to one of the writers in output.h. All sizes are bytes, all times seconds.
 */
#ifndef REPORT_H
#define REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/figure.h"
#include "base/meminfo.h"
#include "base/resident.h"
#include "bpf/wire.h"
#include "leaks/leak_kind.h"
#include "names/frame.h"
#include "report/stack_order.h"
#include "stays/kept.h"

struct report_block {
	uint64_t address;
	uint64_t size_bytes;
	double age_s; /* < 0: not recorded */
};

/* How a stack or a process has changed since earlier reports. */
struct report_growth {
	bool known; /* false: there is no report before this one; the rest is 0 */
	int64_t bytes, blocks; /* since the report before */
	int64_t long_bytes; /* since the earliest report that is remembered */
	figure anon_bytes; /* of a process: of its anonymous memory, what is swapped included */
	bool has_ages; /* the rest is known */
	uint64_t old_bytes; /* held, and allocated before the last report */
	/*
	 * Allocated between earlier reports, and held at the end of that interval; and of these,
	 * held still.
	 */
	uint64_t born_bytes, survived_bytes;
};

struct report_stack {
	uint64_t bytes;
	uint64_t blocks;
	enum leak_kind kind; /* of all its blocks: after a leak check, a stack can be there twice */
	uint64_t indirect_bytes, indirect_blocks; /* lost with its blocks; of LEAK_DEFINITE alone */
	int64_t growth_bytes, growth_blocks; /* since the leak check before; 0 at the first */
	struct report_frame *frames; /* innermost first */
	size_t nr_frames;
	enum stack_end end; /* where the walk ended, and why */
	struct report_block *block_list; /* only with -a */
	size_t nr_block_list;
	unsigned int nr_processes; /* in a ranking: processes that hold blocks from here; else 0 */
	struct report_growth growth; /* since the report before, not since a leak check */
};

struct stack_sum {
	uint64_t stacks, bytes, blocks;
};

struct report_stacks {
	struct report_stack *list; /* in their order; possibly cut to the asked number */
	size_t nr;
	enum stack_order order;
	struct stack_sum more; /* what was cut */
	/* By ORDER_GROWTH, the stacks that have not grown come last; more_steady: those cut. */
	struct stack_sum steady, more_steady;
	int64_t steady_growth_bytes; /* of these, and of stacks that hold nothing any more */
	double since_s; /* of report_growth: since the report before; 0: there is none */
	double long_s; /* of long_bytes */
};

struct leak_sum {
	uint64_t bytes, blocks;
};

/* A suppression that hid something. */
struct report_suppression {
	const char *name, *file;
	unsigned int line;
	struct leak_sum hidden;
	uint64_t records; /* stacks of it; never 0 */
};

/* The result of a leak check. The stacks of the report then are those of the shown kinds. */
struct report_leaks {
	struct leak_sum of_kind[NR_LEAK_KINDS]; /* without what was suppressed */
	uint64_t records[NR_LEAK_KINDS]; /* stacks of each kind */
	struct leak_sum suppressed;
	struct leak_sum by_heuristic[NR_LEAK_HEURISTICS]; /* reachable by this alone */
	unsigned int limits; /* enum leak_limit: why this is a lower bound */
	bool full; /* stacks are shown, not sums alone */
	unsigned int shown_kinds; /* a sum of LEAK_KIND_BIT */
	double pause_s; /* how long the process stood still; < 0: at its end, nobody waited */
	double since_s; /* since the check before this; < 0: it is the first */
	uint64_t scanned_bytes;
	bool has_arenas; /* the next three are known: glibc's malloc was walked */
	uint64_t unknown_bytes, unknown_chunks; /* in use in the allocator, but not recorded */
	bool has_old_lost; /* the next was found out */
	struct leak_sum old_lost; /* of these, chunks that nothing points to */
	uint64_t free_bytes; /* free inside the allocator */
	const struct report_suppression *used;
	size_t nr_used;
};

enum end_kind { END_EXITED, END_SIGNALLED, END_OOM, END_EXEC, END_UNKNOWN };

struct report_end {
	enum end_kind kind;
	int code; /* exit status; meaningful for END_EXITED */
	int signal; /* meaningful for END_SIGNALLED and END_OOM */
	bool core_dumped;
	const char *exec_to; /* END_EXEC: the program that took over; NULL when not seen */
	bool memory_gone; /* false: the process is gone, something still uses its memory */
};

struct report_reclaimed {
	figure rss_anon_bytes;
	figure rss_file_bytes;
	figure rss_shmem_bytes;
	figure swap_bytes;
	figure hugetlb_bytes;
	figure page_table_bytes;
	figure virtual_bytes;
	figure freed_page_bytes; /* page frames seen going back to the allocator */
};

enum verdict { VERDICT_UNKNOWN, VERDICT_TRUE, VERDICT_FALSE };

enum verdict_reason {
	REASON_NONE, /* not judged */
	/* VERDICT_UNKNOWN */
	REASON_BEFORE_UNREAD, /* the memory was not read before its teardown */
	REASON_AFTER_UNREAD, /* the teardown's end was not seen */
	REASON_STILL_IN_USE, /* the process is gone, its memory is not */
	REASON_FRAMES_MISSING, /* number: pages that were not seen returning to the allocator */
	/* VERDICT_FALSE */
	REASON_LEFT_OVER, /* number: of what left_over names; < 0: counted down too far */
	/* VERDICT_TRUE */
	REASON_FRAMES_FREED, /* number: page frames that went back to the allocator */
	REASON_COUNTERS_ALONE, /* page frames were not measured */
	REASON_SHARED, /* number: pages that a relative still maps, or that were merged */
	REASON_REAPED, /* number: pages that the OOM reaper or process_mrelease took earlier */
};

enum memory_counter {
	COUNTER_ANON,
	COUNTER_FILE,
	COUNTER_SHMEM,
	COUNTER_SWAP,
	COUNTER_HUGETLB,
	COUNTER_PAGE_TABLE_BYTES,
};

/* The reason for the verdict. verdict_words.h has the words. */
struct report_why {
	enum verdict_reason reason;
	int64_t number;
	enum memory_counter left_over; /* REASON_LEFT_OVER: the first counter that is not zero */
	pid_t relative; /* REASON_SHARED; 0: unknown, or merged */
};

struct report_lost {
	uint64_t by_cause[NR_LOSSES]; /* enum loss; see losses.h */
};

/* One process, at its end or while it runs. */
struct process_report {
	struct timespec time; /* CLOCK_REALTIME */
	pid_t pid;
	pid_t ppid; /* 0: unknown */
	pid_t pid_in_namespace; /* 0: same as pid or unknown */
	uid_t uid;
	const char *comm;
	const char *exe; /* NULL: unknown */
	const char *cgroup; /* NULL: unknown */
	double run_s; /* < 0: unknown */
	double held_back_s; /* of these, until new files had been looked into; 0: not at all */

	bool fork_copy; /* it was made by fork, and ran no program of its own by exec */
	bool late_attach; /* it ran before we came: earlier blocks are not counted */
	bool has_allocator; /* false: nothing to trace was found; held and totals are unknown */
	const char *not_looked_at; /* if so, why no allocator was looked for; NULL: it was */
	bool filtered; /* -z or -Z: blocks outside the sizes are not counted */
	double min_age_s; /* -o: stacks hold only blocks at least this old; 0: all */

	uint64_t held_bytes, held_blocks;
	/* Inherited at the fork; and of these, the blocks that were freed since. */
	figure inherited_bytes;
	uint64_t inherited_blocks, inherited_freed_blocks;
	figure inherited_freed_bytes;
	pid_t inherited_from; /* 0: nothing was inherited */
	uint64_t allocated_bytes, allocated_blocks;
	uint64_t freed_bytes, freed_blocks;
	uint64_t failed; /* allocation calls that returned no block */
	uint64_t unknown_frees; /* frees of blocks that were not recorded */
	figure peak_bytes;
	/* Of its anonymous memory, at least so much came from no function that is probed. */
	figure unexplained_bytes;
	bool uncalled; /* has_allocator is false since, with such memory, it called none of them */

	struct report_growth growth; /* of what it holds, while it runs; without ages */
	double growth_s; /* of these, since the report before */
	bool has_resident; /* the next are known: the resident set of a process that runs */
	struct resident resident;
	struct report_stacks stacks;
	uint64_t walks[NR_STACK_ENDS]; /* all stacks, counted by how they ended */

	const struct report_leaks *leaks; /* NULL: nobody looked for leaks */
	const char *leaks_why; /* a leak check was asked for, but this stood against it; or NULL */

	struct report_lost lost;

	/* Only of a process that has ended. */
	struct report_end end;
	struct report_reclaimed reclaimed;
	struct report_stays stays;
	enum verdict verified;
	struct report_why why; /* of verified */
	figure freed_frames; /* page frames that make up freed_page_bytes, for the text */
};

/* One process in the ranking of all, and what it holds. */
struct ranking_row {
	pid_t pid;
	const char *comm;
	uint64_t held_bytes, held_blocks;
	int64_t growth_bytes; /* since the last ranking, or since it was first seen */
	bool late_attach;
	bool at_least; /* losses may have made the figures too small */
};

/* The whole system at an interval: processes by held bytes, stacks over all processes. */
struct ranking_report {
	struct timespec time;
	uint64_t processes; /* that hold something */
	uint64_t held_bytes, held_blocks; /* over all of them; what forks inherited is left out */
	const struct ranking_row *rows; /* largest first; possibly cut to the asked number */
	size_t nr_rows;
	uint64_t more_rows, more_rows_bytes, more_rows_blocks;
	struct report_stacks stacks;
	struct report_lost lost;
};

#define START_MAX_DEGRADED 8

struct start_report {
	const char *version;
	const char *kernel; /* release, as of uname -r */
	const char *mode; /* "command", "pid" or "system" */
	/* The command's arguments, then NULL, which outlive the reports; or NULL: there is none. */
	const char *const *command;
	pid_t pid; /* of the command, or of the one process of -p; 0: there is no such one */
	pid_t ppid; /* of that process; 0: unknown */
	unsigned int allocator_functions; /* probes attached */
	unsigned int allocator_files; /* files that define an allocator */
	unsigned int processes; /* that run and are traced from now on */
	uint64_t leak_checked; /* of the whole system, so many processes at most; 0: no checks */
	const char *exit_before; /* "kprobe", "fentry", "tracepoint" */
	const char *exit_after; /* "tracepoint", "fexit", "kretprobe" */
	const char *uprobe; /* "perf", "multi", "session" */
	const char *degraded[START_MAX_DEGRADED]; /* what this kernel can't give; then NULL */
};

struct total_report {
	bool system_wide;
	uint64_t processes; /* address spaces whose end was reported */
	uint64_t fork_copies; /* of these: made by fork, and ended by exec */
	uint64_t verified, unverified, not_reclaimed; /* of these, by verdict */
	uint64_t held_bytes;
	uint64_t reclaimed_bytes;
	double tracer_cpu_s; /* what the tracer itself used; < 0: unknown */
	uint64_t tracer_peak_bytes; /* its largest resident set; 0: unknown */
	bool has_memory; /* before and after were readable */
	struct memory_report before, after;
	struct report_lost lost;
};

/* -t: one allocation or one free, as it happened. */
struct trace_report {
	struct timespec time;
	pid_t pid, tid;
	const char *comm;
	const char *function; /* "malloc", "free", … */
	uint64_t address;
	uint64_t size_bytes; /* UINT64_MAX: unknown, a free of a block that was not recorded */
	bool is_free;
};

#endif
