// SPDX-License-Identifier: GPL-2.0
/* The examples: a plain report, and functions that change what each case is about. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <signal.h>
#include <string.h>

#include "example_report.h"

#define KIB(n) ((figure)(n)*1024)
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static struct report_frame plain_frames[] = {
	{ "main", "/src/leak64.c", 4, "/usr/bin/leak64", 0x1149, 0x555555555149, false,
	  "0123456789abcdef", NULL },
	{ "__libc_start_call_main", NULL, 0, "/usr/lib/x86_64-linux-gnu/libc.so.6", 0x27249,
	  0x7ffff7df7249, false, NULL, NULL },
};

static struct report_stack plain_stacks[] = {
	{ .bytes = 67108864, .blocks = 1, .frames = plain_frames, .nr_frames = 2 },
};

/* Frames of every kind: each lacks another piece of information. */
static struct report_frame mixed_frames[] = {
	{ "std::vector<int>::push_back(int const&)", "vector.h", 12, "/usr/bin/app", 0x2000,
	  0x402000, true, NULL, NULL },
	{ "grow", NULL, 0, NULL, 0, 0, true, NULL, NULL },
	{ "a_function_with_a_name_that_is_longer_than_the_column", "app.cc", 0, "/usr/bin/app",
	  0x2010, 0x402010, false, NULL, NULL },
	{ NULL, NULL, 0, "/usr/lib/stripped.so", 0x1234, 0x7f0000001234, false, NULL, NULL },
	{ NULL, NULL, 0, "[vdso]", 0x9a0, 0, false, NULL, NULL },
	{ "no_module", NULL, 0, NULL, 0, 0x7f0000005678, false, NULL, NULL },
	{ NULL, NULL, 0, NULL, 0, 0x7f0000009abc, false, NULL, NULL },
	{ NULL, NULL, 0, NULL, 0, 0, false, NULL, NULL },
};

static struct report_block mixed_blocks[] = {
	{ 0x5555555592a0, 1000, 0.0125 },
	{ 0x7f0000000010, 1, 7322.5 },
	{ 0x5555555596b0, 0, -1 },
};

static struct report_block no_blocks[1];

static struct report_stack mixed_stacks[] = {
	{ .bytes = 1001,
	  .blocks = 3,
	  .kind = LEAK_DEFINITE,
	  .frames = mixed_frames,
	  .nr_frames = COUNT_OF(mixed_frames),
	  .block_list = mixed_blocks,
	  .nr_block_list = 3 },
	{ .bytes = 900,
	  .blocks = 2,
	  .kind = LEAK_INDIRECT,
	  .frames = plain_frames,
	  .nr_frames = 1,
	  .end = STACK_FULL,
	  .block_list = no_blocks },
	{ .bytes = 800,
	  .blocks = 1,
	  .kind = LEAK_POSSIBLE,
	  .frames = plain_frames + 1,
	  .nr_frames = 1 },
	{ .bytes = 1, .blocks = 1, .kind = LEAK_REACHABLE },
};

/* A leak, a cache that is used, one whose ages are unknown, and one that has not grown. */
static struct report_stack growing_stacks[] = {
	{ .bytes = 104784,
	  .blocks = 2183,
	  .frames = plain_frames,
	  .nr_frames = 1,
	  .growth = { .known = true,
		      .bytes = 35136,
		      .blocks = 732,
		      .long_bytes = 69984,
		      .has_ages = true,
		      .old_bytes = 69648,
		      .born_bytes = 34848,
		      .survived_bytes = 34848 } },
	{ .bytes = 5000,
	  .blocks = 20,
	  .frames = plain_frames,
	  .nr_frames = 1,
	  .growth = { .known = true,
		      .bytes = 100,
		      .blocks = -1,
		      .long_bytes = 60,
		      .has_ages = true,
		      .old_bytes = 2500,
		      .born_bytes = 3000,
		      .survived_bytes = 1000 } },
	{ .bytes = 50,
	  .blocks = 1,
	  .frames = plain_frames,
	  .nr_frames = 1,
	  .growth = { .known = true,
		      .bytes = 1,
		      .blocks = 0,
		      .long_bytes = INT64_MAX,
		      .has_ages = false,
		      .old_bytes = 0,
		      .born_bytes = 0,
		      .survived_bytes = 0 } },
	{ .bytes = 40,
	  .blocks = 1,
	  .frames = plain_frames,
	  .nr_frames = 1,
	  .growth = { .known = true,
		      .bytes = INT64_MIN,
		      .blocks = INT64_MIN,
		      .long_bytes = INT64_MIN,
		      .has_ages = true,
		      .old_bytes = UINT64_MAX,
		      .born_bytes = 1,
		      .survived_bytes = 0 } },
};

static struct report_frame hostile_frames[] = {
	{ "f\x1b[2J\n", "a\tb\xff.c", 1, "/tmp/\xc2\x9b/x\r", 1, 2, false, NULL, NULL },
	{ "r\xe2\x80\xaeltr", "\xc3\xa9t\xc3\xa9.c", 2, NULL, 0, 0, false, NULL, NULL },
};

static struct report_stack hostile_stacks[] = {
	{ .bytes = 1, .blocks = 1, .frames = hostile_frames, .nr_frames = 2 },
};

static void change_nothing_held(struct process_report *report)
{
	report->held_bytes = report->held_blocks = 0;
	report->freed_bytes = report->allocated_bytes;
	report->freed_blocks = report->allocated_blocks;
	report->stacks.nr = 0;
	report->end.code = 3;
	report->run_s = 75.2;
	report->stays =
		(struct report_stays){ .page_cache_bytes = 0, .shared_bytes = 0, .shmem_bytes = 0 };
}

static void change_signalled(struct process_report *report)
{
	report->pid_in_namespace = 12;
	report->end = (struct report_end){
		.kind = END_SIGNALLED, .signal = SIGSEGV, .core_dumped = true, .memory_gone = true
	};
	report->run_s = 3725;
}

static void change_oom(struct process_report *report)
{
	report->end =
		(struct report_end){ .kind = END_OOM, .signal = SIGKILL, .memory_gone = true };
	report->cgroup = "/system.slice/app.service";
	report->run_s = 200000;
}

static void change_exec(struct process_report *report)
{
	report->end = (struct report_end){ .kind = END_EXEC,
					   .exec_to = "/usr/bin/ls",
					   .memory_gone = true };
	report->run_s = 0.0012;
}

static void change_exec_unseen(struct process_report *report)
{
	report->end = (struct report_end){ .kind = END_EXEC, .memory_gone = true };
}

static void change_end_unknown(struct process_report *report)
{
	report->end = (struct report_end){ .kind = END_UNKNOWN, .memory_gone = true };
	report->run_s = -1;
	report->ppid = 0;
	report->exe = NULL;
	report->comm = NULL;
}

static void change_memory_not_gone(struct process_report *report)
{
	report->end.memory_gone = false;
	report->verified = VERDICT_UNKNOWN;
	report->why.reason = REASON_NONE;
}

/* Each column that can be long is long. */
static void change_widest(struct process_report *report)
{
	struct report_reclaimed *reclaimed = &report->reclaimed;

	report->pid = 4194304;
	report->comm = "fifteen-letters";
	report->late_attach = true;
	report->lost.by_cause[LOSS_BLOCK_MAP_FULL] = 1;
	report->held_bytes = 1023ULL << 40;
	report->held_blocks = 123456;
	report->end.code = 255;
	reclaimed->freed_page_bytes = KIB(1023);
	reclaimed->rss_anon_bytes = KIB(102300);
	reclaimed->rss_file_bytes = KIB(1047552);
	reclaimed->rss_shmem_bytes = KIB(10230);
	reclaimed->swap_bytes = 1023;
	reclaimed->page_table_bytes = KIB(1024) + 1;
}

/* Two columns for each three bytes. */
static void change_wide_letters(struct process_report *report)
{
	report->comm = "\xe3\x83\xa1\xe3\x83\xa2\xe3\x83\xaa\xe3\x83\xbc\xe6\xbc\x8f";
	report->held_bytes = 24;
}

static void change_late_attach(struct process_report *report)
{
	report->late_attach = true;
	report->unknown_frees = 5;
	report->failed = 2;
	report->peak_bytes = 70000000;
}

static void change_held_back(struct process_report *report)
{
	report->held_back_s = 0.012;
}

/* A server that replaces what it held at the attach. */
static void change_level(struct process_report *report)
{
	report->late_attach = true;
	report->held_blocks = 1286;
	report->unknown_frees = 1280;
}

static void change_as_at_the_attach(struct process_report *report)
{
	change_level(report);
	report->unknown_frees = 1286;
}

static void change_filtered(struct process_report *report)
{
	report->filtered = true;
	report->unknown_frees = 5;
	report->failed = 1;
	report->min_age_s = 0.01;
}

static void change_lost(struct process_report *report)
{
	report->lost = (struct report_lost){
		{ [LOSS_RETURN] = 1, [LOSS_BLOCK_MAP_FULL] = 2000, [LOSS_STACK] = 3 }
	};
	report->peak_bytes = 67108864;
}

static void change_lost_stacks(struct process_report *report)
{
	report->lost.by_cause[LOSS_STACK] = 1;
}

static void change_lost_blocks(struct process_report *report)
{
	report->lost.by_cause[LOSS_BLOCK_MAP_FULL] = 1;
}

static void change_lost_by_every_cause(struct process_report *report)
{
	for (int i = 0; i < NR_LOSSES; i++)
		report->lost.by_cause[i] = (uint64_t)i + 1;
}

static void change_no_allocator(struct process_report *report)
{
	report->has_allocator = false;
	report->held_bytes = report->held_blocks = 0;
	report->allocated_bytes = report->allocated_blocks = 0;
	report->stacks.nr = 0;
	report->inherited_from = 4000;
}

static void change_unexplained(struct process_report *report)
{
	report->unexplained_bytes = KIB(40000);
}

static void change_uncalled(struct process_report *report)
{
	change_no_allocator(report);
	report->uncalled = true;
	report->unexplained_bytes = KIB(40000);
}

static void change_not_looked_at(struct process_report *report)
{
	change_no_allocator(report);
	report->not_looked_at = "a 32-bit program";
}

static void change_inherited(struct process_report *report)
{
	report->inherited_from = 4000;
	report->inherited_bytes = 1234567;
	report->inherited_blocks = 89;
	report->inherited_freed_blocks = 3;
	report->inherited_freed_bytes = 120;
}

static void change_inherited_unknown(struct process_report *report)
{
	change_inherited(report);
	report->inherited_bytes = report->inherited_freed_bytes = FIGURE_UNKNOWN;
	report->inherited_freed_blocks = 1;
}

static void change_fork_copy(struct process_report *report)
{
	change_inherited(report);
	report->fork_copy = true;
	report->held_bytes = report->held_blocks = 0;
	report->stacks.nr = 0;
	report->reclaimed.freed_page_bytes = KIB(84);
	report->why =
		(struct report_why){ .reason = REASON_SHARED, .number = 16300, .relative = 4000 };
}

static void change_fork_copy_exec(struct process_report *report)
{
	change_fork_copy(report);
	change_exec(report);
}

/* A fork copy with something wrong is told of like any other process. */
static void change_fork_copy_not_reclaimed(struct process_report *report)
{
	change_fork_copy_exec(report);
	report->verified = VERDICT_FALSE;
	report->why = (struct report_why){ .reason = REASON_LEFT_OVER,
					   .number = 2,
					   .left_over = COUNTER_SWAP };
}

static const struct report_kept kept[] = {
	{ "System V shared memory", "shmid 5, key 0x1234", "until it is removed", 65536 },
	{ "POSIX shared memory", "/dev/shm/\x1b[2J\nx", "PID 4711 maps it", FIGURE_UNKNOWN },
	{ "memfd", "\xc3\xa9\xff", NULL, 0 },
};

static void change_kept(struct process_report *report)
{
	report->reclaimed.rss_shmem_bytes = KIB(64);
	report->stays.shmem_bytes = KIB(64);
	report->stays.kept = kept;
	report->stays.nr_kept = COUNT_OF(kept);
}

static void change_only_kept(struct process_report *report)
{
	report->stays =
		(struct report_stays){ FIGURE_UNKNOWN, FIGURE_UNKNOWN, FIGURE_UNKNOWN, kept, 1 };
}

static void change_unverified(struct process_report *report)
{
	report->verified = VERDICT_UNKNOWN;
	report->why = (struct report_why){ .reason = REASON_FRAMES_MISSING, .number = 120 };
	report->freed_frames = FIGURE_UNKNOWN;
	report->reclaimed.hugetlb_bytes = KIB(2048);
	report->stays = (struct report_stays){ .page_cache_bytes = KIB(916),
					       .shared_bytes = KIB(1536),
					       .shmem_bytes = KIB(3 * 1024 * 1024) };
}

static void change_not_reclaimed(struct process_report *report)
{
	report->verified = VERDICT_FALSE;
	report->why = (struct report_why){ .reason = REASON_LEFT_OVER,
					   .number = 3,
					   .left_over = COUNTER_SWAP };
	report->stays = (struct report_stays){ .page_cache_bytes = FIGURE_UNKNOWN,
					       .shared_bytes = 0,
					       .shmem_bytes = 1023 };
	report->reclaimed.rss_shmem_bytes = FIGURE_UNKNOWN;
}

static void change_no_reason(struct process_report *report)
{
	report->why.reason = REASON_NONE;
	report->stays = (struct report_stays){ .page_cache_bytes = 0,
					       .shared_bytes = FIGURE_UNKNOWN,
					       .shmem_bytes = FIGURE_UNKNOWN };
}

static void change_all_unknown(struct process_report *report)
{
	const figure unknown = FIGURE_UNKNOWN;

	report->reclaimed = (struct report_reclaimed){ unknown, unknown, unknown, unknown,
						       unknown, unknown, unknown, unknown };
	report->stays = (struct report_stays){ .page_cache_bytes = unknown,
					       .shared_bytes = unknown,
					       .shmem_bytes = unknown };
	report->freed_frames = unknown;
	report->verified = VERDICT_UNKNOWN;
	report->why.reason = REASON_NONE;
	report->min_age_s = -1;
}

static void change_stacks(struct process_report *report)
{
	report->stacks.list = mixed_stacks;
	report->stacks.nr = COUNT_OF(mixed_stacks);
	report->stacks.more.stacks = 12;
	report->walks[STACK_COMPLETE] = 1346;
	report->walks[STACK_FULL] = 3;
	report->walks[STACK_NO_TABLE] = 1;
	report->stacks.more.bytes = 3456;
	report->stacks.more.blocks = 20;
}

static void change_one_more_stack(struct process_report *report)
{
	report->stacks.more.stacks = report->stacks.more.bytes = report->stacks.more.blocks = 1;
}

static void change_growing(struct process_report *report)
{
	report->growth = (struct report_growth){
		.known = true,
		.bytes = 35137,
		.blocks = 731,
		.anon_bytes = KIB(1536),
	};
	report->growth_s = 4;
	report->has_resident = true;
	report->resident = (struct resident){ KIB(65536), KIB(916), 0, KIB(4) };
	report->stacks = (struct report_stacks){
		.list = growing_stacks,
		.nr = COUNT_OF(growing_stacks),
		.order = ORDER_GROWTH,
		.more = { 30, 5169999, 2500 },
		.more_steady = { 24, 5160000, 2400 },
		.steady = { 25, 5160040, 2401 },
		.steady_growth_bytes = -100,
		.since_s = 4,
		.long_s = 8,
	};
}

/* The same, in another order: each is listed. */
static void change_growing_by_held(struct process_report *report)
{
	change_growing(report);
	report->growth.bytes = INT64_MIN;
	report->growth.anon_bytes = -4096;
	report->resident.file_bytes = FIGURE_UNKNOWN;
	report->stacks.order = ORDER_HELD;
	report->stacks.more_steady = report->stacks.steady = (struct stack_sum){ 0 };
	report->stacks.steady_growth_bytes = 0;
}

static void change_hostile(struct process_report *report)
{
	report->comm = "\x1b]0;x\a\xfe";
	report->exe = "/tmp/a\nPID 1 init ended";
	report->cgroup = "/\xe2\x80\xa8";
	report->end = (struct report_end){ .kind = END_EXEC,
					   .exec_to = "/tmp/\x7f\x80",
					   .memory_gone = true };
	report->why = (struct report_why){ .reason = REASON_SHARED, .number = 1, .relative = 7 };
	report->stacks.list = hostile_stacks;
}

static void change_huge(struct process_report *report)
{
	report->held_bytes = report->held_blocks = UINT64_MAX;
	report->allocated_bytes = report->freed_bytes = UINT64_MAX;
	report->stacks.more.stacks = report->stacks.more.bytes = report->stacks.more.blocks =
		UINT64_MAX;
	report->lost = (struct report_lost){ { [LOSS_RETURN] = UINT64_MAX,
					       [LOSS_BLOCK_MAP_FULL] = UINT64_MAX,
					       [LOSS_STACK] = UINT64_MAX } };
	report->reclaimed.rss_anon_bytes = INT64_MAX;
	report->reclaimed.virtual_bytes = INT64_MAX;
	report->end =
		(struct report_end){ .kind = END_SIGNALLED, .signal = 35, .memory_gone = true };
	report->time.tv_sec = INT64_MAX;
	report->run_s = 1e300;
}

const struct example_report example_reports[] = {
	{ "plain", NULL },
	{ "nothing held", change_nothing_held },
	{ "signalled", change_signalled },
	{ "oom", change_oom },
	{ "exec", change_exec },
	{ "exec unseen", change_exec_unseen },
	{ "end unknown", change_end_unknown },
	{ "memory not gone", change_memory_not_gone },
	{ "late attach", change_late_attach },
	{ "held back", change_held_back },
	{ "level", change_level },
	{ "as at the attach", change_as_at_the_attach },
	{ "filtered", change_filtered },
	{ "lost", change_lost },
	{ "lost stacks", change_lost_stacks },
	{ "lost blocks", change_lost_blocks },
	{ "lost by every cause", change_lost_by_every_cause },
	{ "no allocator", change_no_allocator },
	{ "unexplained", change_unexplained },
	{ "uncalled", change_uncalled },
	{ "not looked at", change_not_looked_at },
	{ "inherited", change_inherited },
	{ "inherited unknown", change_inherited_unknown },
	{ "fork copy", change_fork_copy },
	{ "fork copy exec", change_fork_copy_exec },
	{ "fork copy not reclaimed", change_fork_copy_not_reclaimed },
	{ "kept", change_kept },
	{ "only kept", change_only_kept },
	{ "unverified", change_unverified },
	{ "not reclaimed", change_not_reclaimed },
	{ "no reason", change_no_reason },
	{ "all unknown", change_all_unknown },
	{ "stacks", change_stacks },
	{ "one more stack", change_one_more_stack },
	{ "growing", change_growing },
	{ "growing by held", change_growing_by_held },
	{ "hostile", change_hostile },
	{ "huge", change_huge },
	{ "widest", change_widest },
	{ "wide letters", change_wide_letters },
};

const size_t nr_example_reports = COUNT_OF(example_reports);

struct process_report example_report__make(const struct example_report *example)
{
	struct process_report report = {
		.time = { 1767225600, 123456789 },
		.pid = 4711,
		.ppid = 4000,
		.uid = 1000,
		.comm = "leak64",
		.exe = "/usr/bin/leak64",
		.run_s = 0.13,
		.has_allocator = true,
		.held_bytes = 67108864,
		.held_blocks = 1,
		.allocated_bytes = 67108864,
		.allocated_blocks = 1,
		.peak_bytes = FIGURE_UNKNOWN,
		.unexplained_bytes = FIGURE_UNKNOWN,
		.stacks = { .list = plain_stacks, .nr = 1 },
		.end = { .kind = END_EXITED, .memory_gone = true },
		.reclaimed = { KIB(65536 + 24), KIB(916), 0, 0, 0, KIB(172), KIB(68000),
			       KIB(16413 * 4) },
		.stays = { .page_cache_bytes = KIB(916) },
		.verified = VERDICT_TRUE,
		.why = { .reason = REASON_FRAMES_FREED, .number = 16413 },
		.freed_frames = 16413,
	};

	if (example->change)
		example->change(&report);
	return report;
}

struct process_report example_report__find(const char *name)
{
	size_t i = 0;

	while (i < nr_example_reports && strcmp(example_reports[i].name, name) != 0)
		i++;
	if (i == nr_example_reports)
		fail_msg("no example report '%s'", name);
	return example_report__make(&example_reports[i]);
}
