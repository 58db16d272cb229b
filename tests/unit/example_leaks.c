// SPDX-License-Identifier: GPL-2.0
/* The examples: a check that found some of each kind, and functions that change it. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "example_leaks.h"
#include "example_report.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define MIB(n) ((uint64_t)(n) << 20)

static struct report_frame frames[] = {
	{ "new_node", "/src/tree.c", 12, "/usr/bin/trees", 0x1149, 0x555555555149, true, NULL,
	  NULL },
	{ "build<int, &less>", "/src/tree.c", 30, "/usr/bin/trees", 0x1149, 0x555555555149, false,
	  NULL, NULL },
	{ "main", "main.c", 40, "/usr/bin/trees", 0x1200, 0x555555555200, false, NULL, NULL },
	{ "__libc_start_call_main", NULL, 0, "/usr/lib/x86_64-linux-gnu/libc.so.6", 0x27249,
	  0x7ffff7df7249, false, NULL, NULL },
};

static struct report_block blocks[] = {
	{ 0x5555555592a0, 1000, 0.0125 },
	{ 0x5555555596b0, 24, -1 },
};

static const struct report_stack of_each_kind[] = {
	{ .bytes = 1024,
	  .blocks = 4,
	  .kind = LEAK_DEFINITE,
	  .indirect_bytes = 4096,
	  .indirect_blocks = 8,
	  .frames = frames,
	  .nr_frames = 4,
	  .block_list = blocks,
	  .nr_block_list = 2 },
	{ .bytes = 32,
	  .blocks = 1,
	  .kind = LEAK_DEFINITE,
	  .indirect_bytes = 16,
	  .indirect_blocks = 1,
	  .frames = frames + 2,
	  .nr_frames = 1,
	  .end = STACK_FULL },
	{ .bytes = 4112, .blocks = 9, .kind = LEAK_INDIRECT, .frames = frames + 1, .nr_frames = 2 },
	{ .bytes = 100, .blocks = 1, .kind = LEAK_POSSIBLE, .frames = frames + 2, .nr_frames = 2 },
	{ .bytes = 72704, .blocks = 1, .kind = LEAK_REACHABLE },
};

static const struct report_suppression suppressions[] = {
	{ "glibc keeps this", "/usr/lib/memleak-bpf/default.supp", 12, { 300, 3 }, 2 },
	{ "mine", "my.supp", 1, { 0, 1 }, 1 },
};

/* What the examples change: the report points to these. */
static struct report_stack stacks[COUNT_OF(of_each_kind)];
static struct report_leaks leaks;

static void change_nothing(struct process_report *report, struct report_leaks *check)
{
	(void)report;
	(void)check;
}

static void change_default_kinds(struct process_report *report, struct report_leaks *check)
{
	check->shown_kinds = LEAK_KINDS_LOST;
	stacks[2] = of_each_kind[3];
	report->stacks.nr = 3;
}

static void change_one_kind(struct process_report *report, struct report_leaks *check)
{
	check->shown_kinds = LEAK_KIND_BIT(LEAK_POSSIBLE);
	check->of_kind[LEAK_INDIRECT] = (struct leak_sum){ 0, 0 };
	report->stacks.list = &stacks[3];
	report->stacks.nr = 1;
}

/* A server that was there before the tracer, at an interval: one record of each growth. */
static void change_growth(struct process_report *report, struct report_leaks *check)
{
	static const int64_t growth[COUNT_OF(of_each_kind)][2] = {
		{ 256, 1 }, { 32, 1 }, { 128, -1 }, { -100, -2 }, { 0, 0 },
	};

	for (size_t i = 0; i < COUNT_OF(stacks); i++) {
		stacks[i].growth_bytes = growth[i][0];
		stacks[i].growth_blocks = growth[i][1];
	}
	report->late_attach = true;
	check->limits = LEAK_LIMIT_LATE;
	check->since_s = 10;
	check->pause_s = 0.26;
	check->scanned_bytes = MIB(1024);
	check->unknown_bytes = MIB(3);
	check->unknown_chunks = 1200;
	check->has_old_lost = true;
	check->old_lost = (struct leak_sum){ MIB(1), 40 };
	check->free_bytes = MIB(31);
}

static void change_summary(struct process_report *report, struct report_leaks *check)
{
	report->stacks.nr = 0;
	check->full = false;
	check->shown_kinds = LEAK_KINDS_LOST;
	check->limits = LEAK_LIMIT_ALLOCATOR | LEAK_LIMIT_ARENAS | LEAK_LIMIT_LATE |
			LEAK_LIMIT_COPY | LEAK_LIMIT_UNREAD;
	check->has_arenas = false;
	memset(check->by_heuristic, 0, sizeof(check->by_heuristic));
}

static void change_only_unread(struct process_report *report, struct report_leaks *check)
{
	change_summary(report, check);
	check->limits = LEAK_LIMIT_UNREAD;
	check->suppressed = (struct leak_sum){ 0, 0 };
	check->nr_used = 0;
	for (int kind = 0; kind < LEAK_REACHABLE; kind++)
		check->of_kind[kind] = (struct leak_sum){ 0, 0 };
}

static void change_only_reachable(struct process_report *report, struct report_leaks *check)
{
	change_only_unread(report, check);
	check->limits = 0;
}

static void change_nothing_held(struct process_report *report, struct report_leaks *check)
{
	report->held_bytes = report->held_blocks = 0;
	report->stacks.nr = 0;
	*check = (struct report_leaks){ .full = true,
					.shown_kinds = LEAK_KINDS_LOST,
					.limits = LEAK_LIMIT_ALLOCATOR,
					.pause_s = -1,
					.since_s = -1,
					.scanned_bytes = MIB(1) };
}

/* Then nothing can be promised: what was not recorded may be held. */
static void change_nothing_held_but_lost(struct process_report *report, struct report_leaks *check)
{
	change_nothing_held(report, check);
	report->lost.by_cause[LOSS_BLOCK_MAP_FULL] = 1;
}

static void change_lost_blocks(struct process_report *report, struct report_leaks *check)
{
	(void)check;
	report->lost.by_cause[LOSS_BLOCK_MAP_FULL] = 2000;
}

static void change_lost_stacks(struct process_report *report, struct report_leaks *check)
{
	(void)check;
	report->lost.by_cause[LOSS_STACK] = 1;
	report->stacks.more.stacks = 12;
	report->stacks.more.bytes = 3456;
	report->stacks.more.blocks = 20;
}

static void change_not_done(struct process_report *report, struct report_leaks *check)
{
	(void)check;
	report->leaks = NULL;
	report->leaks_why = "it is traced by PID 12 (gdb\x1b[2J -- <&>)--";
	report->stacks.list = stacks + 4;
	report->stacks.nr = 1;
	stacks[4].kind = LEAK_UNCLASSIFIED;
}

static void change_hostile(struct process_report *report, struct report_leaks *check)
{
	static struct report_frame hostile_frames[] = {
		{ "f\x1b[2J\n]]></fn>", "/a\tb\xff/\"<&'>.c", 1, "/tmp/\xc2\x9b/x\r", 1, 2, false,
		  NULL, NULL },
		{ "r\xe2\x80\xaeltr\xef\xbf\xbf\xed\xa0\x80", "/\xc3\xa9", 2, "", 0, 0, false, NULL,
		  NULL },
	};
	static const struct report_suppression hostile_suppressions[] = {
		{ "n\x1b[2J\n</name>\xff", "\x07.supp\r", 1, { 1, 1 }, 1 },
	};

	report->comm = "<x>\x1b--\xfe";
	report->exe = "/tmp/a\nPID 1 init ended";
	stacks[0].frames = stacks[1].frames = hostile_frames;
	stacks[0].nr_frames = 2;
	stacks[1].nr_frames = 1;
	check->used = hostile_suppressions;
	check->nr_used = COUNT_OF(hostile_suppressions);
}

static void change_huge(struct process_report *report, struct report_leaks *check)
{
	for (size_t i = 0; i < COUNT_OF(stacks); i++) {
		stacks[i].bytes = stacks[i].blocks = UINT64_MAX;
		stacks[i].growth_bytes = i % 2 ? INT64_MIN : INT64_MAX;
		stacks[i].growth_blocks = i % 2 ? INT64_MAX : INT64_MIN;
	}
	stacks[0].indirect_bytes = stacks[0].indirect_blocks = UINT64_MAX;
	stacks[4].kind = LEAK_UNCLASSIFIED;
	for (int kind = 0; kind < NR_LEAK_KINDS; kind++) {
		check->of_kind[kind] = (struct leak_sum){ UINT64_MAX, UINT64_MAX };
		check->records[kind] = UINT64_MAX;
	}
	for (int i = 0; i < NR_LEAK_HEURISTICS; i++)
		check->by_heuristic[i] = check->of_kind[0];
	check->suppressed = check->of_kind[0];
	check->scanned_bytes = check->unknown_bytes = UINT64_MAX;
	check->unknown_chunks = check->free_bytes = UINT64_MAX;
	check->since_s = check->pause_s = 1e300;
	report->run_s = 1e300;
}

const struct example_leaks example_leaks[] = {
	{ "each kind", change_nothing },
	{ "default kinds", change_default_kinds },
	{ "one kind", change_one_kind },
	{ "growth", change_growth },
	{ "summary", change_summary },
	{ "only unread", change_only_unread },
	{ "only reachable", change_only_reachable },
	{ "nothing held", change_nothing_held },
	{ "nothing held but lost", change_nothing_held_but_lost },
	{ "lost blocks", change_lost_blocks },
	{ "lost stacks", change_lost_stacks },
	{ "not done", change_not_done },
	{ "hostile", change_hostile },
	{ "huge", change_huge },
};

const size_t nr_example_leaks = COUNT_OF(example_leaks);

struct process_report example_leaks__make(const struct example_leaks *example)
{
	struct process_report report = example_report__find("plain");

	memcpy(stacks, of_each_kind, sizeof(stacks));
	leaks = (struct report_leaks){
		.of_kind = { [LEAK_DEFINITE] = { 1056, 5 },
			     [LEAK_INDIRECT] = { 4112, 9 },
			     [LEAK_POSSIBLE] = { 100, 1 },
			     [LEAK_REACHABLE] = { 72704, 1 } },
		.records = { [LEAK_DEFINITE] = 2,
			     [LEAK_INDIRECT] = 1,
			     [LEAK_POSSIBLE] = 1,
			     [LEAK_REACHABLE] = 1 },
		.suppressed = { 300, 4 },
		.by_heuristic = { [HEURISTIC_STDSTRING] = { 123, 4 },
				  [HEURISTIC_MULTIPLE_INHERITANCE] = { 1, 1 } },
		.full = true,
		.shown_kinds = LEAK_KINDS_ALL,
		.pause_s = -1,
		.since_s = -1,
		.scanned_bytes = MIB(3),
		.has_arenas = true,
		.free_bytes = 58000,
		.used = suppressions,
		.nr_used = COUNT_OF(suppressions),
	};
	report.comm = "trees";
	report.exe = "/usr/bin/trees";
	report.held_bytes = 1056 + 4112 + 100 + 72704 + 300;
	report.held_blocks = 20;
	report.stacks = (struct report_stacks){ .list = stacks, .nr = COUNT_OF(stacks) };
	report.leaks = &leaks;
	example->change(&report, &leaks);
	return report;
}

struct process_report example_leaks__find(const char *name)
{
	size_t i = 0;

	while (i < nr_example_leaks && strcmp(example_leaks[i].name, name) != 0)
		i++;
	if (i == nr_example_leaks)
		fail_msg("no example of a leak check '%s'", name);
	return example_leaks__make(&example_leaks[i]);
}
