// SPDX-License-Identifier: GPL-2.0
/* See example_ranking.h. */
#include "example_ranking.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define TIME                          \
	{                             \
		1767225600, 123456789 \
	}

static const struct ranking_row rows[] = {
	{ 4711, "leak64", 67108864, 1, 67108864, false, false },
	{ 4194304, "fifteen-letters", 2500000, 123456, -1024, true, false },
	{ 1, "systemd", 40, 2, 0, true, false },
};

static const struct ranking_row affected_rows[] = {
	{ 4711, "leak64", 1023ULL << 40, 1234567, -1023, true, true },
	{ 4712, "drip", 4096, 99999, 24, false, true },
};

static const struct ranking_row hostile_rows[] = {
	{ 2147483647, "\x1b]0;x\a\xfe\nPID 1", UINT64_MAX, UINT64_MAX, INT64_MIN, true, true },
	{ 1, NULL, 0, 0, INT64_MAX, false, false },
};

static struct report_frame frames[] = {
	{ "grow", "/src/leak64.c", 4, "/usr/bin/leak64", 0x1149, 0, false, NULL, NULL },
	{ "main", "/src/leak64.c", 9, "/usr/bin/leak64", 0x1189, 0, false, NULL, NULL },
};

static struct report_frame hostile_frames[] = {
	{ "f\x1b[2J\n", "a\tb\xff.c", 1, "/tmp/x\r", 1, 0, false, NULL, NULL },
};

static struct report_stack stacks[] = {
	{ .bytes = 67109864, .blocks = 3, .frames = frames, .nr_frames = 2, .nr_processes = 2 },
	{ .bytes = 2499040,
	  .blocks = 123456,
	  .frames = frames + 1,
	  .nr_frames = 1,
	  .nr_processes = 1 },
};

static struct report_stack hostile_stacks[] = {
	{ .bytes = UINT64_MAX,
	  .blocks = UINT64_MAX,
	  .frames = hostile_frames,
	  .nr_frames = 1,
	  .end = STACK_FRAME_POINTERS,
	  .nr_processes = 4000000000 },
	{ .nr_processes = 1 },
};

const struct example_ranking example_rankings[] = {
	{ "plain",
	  { .time = TIME,
	    .processes = 214,
	    .held_bytes = 71234567,
	    .held_blocks = 123999,
	    .rows = rows,
	    .nr_rows = 3,
	    .more_rows = 211,
	    .more_rows_bytes = 1625663,
	    .more_rows_blocks = 540,
	    .stacks = { .list = stacks, .nr = 2, .more = { 80, 1625663, 540 } } } },
	{ "one of each more",
	  { .time = TIME,
	    .processes = 2,
	    .held_bytes = 67108865,
	    .held_blocks = 2,
	    .rows = rows,
	    .nr_rows = 1,
	    .more_rows = 1,
	    .more_rows_bytes = 1,
	    .more_rows_blocks = 1,
	    .stacks = { .list = stacks, .nr = 1, .more = { 1, 1, 1 } } } },
	{ "one process",
	  { .time = TIME,
	    .processes = 1,
	    .held_bytes = 67108864,
	    .held_blocks = 1,
	    .rows = rows,
	    .nr_rows = 1 } },
	{ "none", { .time = TIME } },
	{ "lost",
	  { .time = TIME,
	    .processes = 2,
	    .held_bytes = 1124800395218944,
	    .held_blocks = 1334566,
	    .rows = affected_rows,
	    .nr_rows = 2,
	    .more_rows = 9,
	    .more_rows_bytes = 10,
	    .more_rows_blocks = 10,
	    .stacks = { .list = stacks, .nr = 1, .more = { 0, 0, 0 } },
	    .lost.by_cause = { [LOSS_RETURN] = 1, [LOSS_BLOCK_MAP_FULL] = 2000, [LOSS_STACK] = 3 } } },
	{ "lost stacks",
	  { .time = TIME,
	    .processes = 1,
	    .held_bytes = 67108864,
	    .held_blocks = 1,
	    .rows = rows,
	    .nr_rows = 1,
	    .stacks = { .list = stacks, .nr = 1, .more = { 0, 0, 0 } },
	    .lost.by_cause = { [LOSS_STACK] = 1 } } },
	{ "hostile",
	  { .time = { INT64_MAX, 0 },
	    .processes = UINT64_MAX,
	    .held_bytes = UINT64_MAX,
	    .held_blocks = UINT64_MAX,
	    .rows = hostile_rows,
	    .nr_rows = 2,
	    .more_rows = UINT64_MAX,
	    .more_rows_bytes = UINT64_MAX,
	    .more_rows_blocks = UINT64_MAX,
	    .stacks = { .list = hostile_stacks,
			.nr = 2,
			.more = { UINT64_MAX, UINT64_MAX, UINT64_MAX } },
	    .lost.by_cause = { [LOSS_RETURN] = UINT64_MAX,
			       [LOSS_BLOCK_MAP_FULL] = UINT64_MAX,
			       [LOSS_STACK] = UINT64_MAX } } },
};

const size_t nr_example_rankings = COUNT_OF(example_rankings);
