// SPDX-License-Identifier: GPL-2.0
/* See leak_truth.h. Sums follow from the victims' sources, but for those of the random graph. */
#include "leak_truth.h"

#include <string.h>

#define KINDS "leak_kinds"
#define THREADS "leak_threads"
#define ENDS "leak_ends"
#define CXX "leak_cxx"
#define MORE .at_least = true

/* Bytes and blocks of each kind. */
const struct leak_truth leak_truths[] = {
	{ KINDS, "definite", .definite = { 300, 3 } },
	{ KINDS, "list", .definite = { 32, 1 }, .indirect = { 288, 9 } },
	{ KINDS, "ring", .definite = { 40, 1 }, .indirect = { 160, 4 } },
	{ KINDS, "list_into_ring", .definite = { 24, 1 }, .indirect = { 168, 4 } },
	{ KINDS, "shared_loss", .definite = { 112, 2 }, .indirect = { 72, 1 } },
	{ KINDS, "zero_lost", .definite = { 0, 2 } },
	{ KINDS, "zero_held", .reachable = { 0, 1 } },
	{ KINDS, "hidden", .definite = { 88, 1 } },
	{ KINDS, "interior", .possible = { 64, 1 } },
	{ KINDS, "interior_chain", .possible = { 136, 3 } },
	{ KINDS, "interior_and_start", .reachable = { 64, 1 } },
	{ KINDS, "plus_one", .possible = { 64, 1 } },
	{ KINDS, "last_byte", .possible = { 33, 1 } },
	{ KINDS, "past_end", .definite = { 104, 2 } },
	{ KINDS, "before_start", .definite = { 64, 1 } },
	{ KINDS, "unaligned", .definite = { 104, 1 } },
	{ KINDS, "length64", .reachable = { 128, 1 } },
	{ KINDS, "wrong_length64", .possible = { 128, 1 } },
	{ KINDS, "in_global", .reachable = { 240, 3 } },
	{ KINDS, "in_static_local", .reachable = { 320, 4 } },
	{ KINDS, "in_tls", .reachable = { 224, 2 } },
	{ KINDS, "in_key", .reachable = { 224, 4 }, MORE },
	{ KINDS, "in_mapping", .reachable = { 192, 3 } },
	{ KINDS, "in_shared_mapping", .reachable = { 216, 3 } },
	{ KINDS, "in_file_mapping", .reachable = { 264, 3 } },
	{ KINDS, "in_second_mapping", .reachable = { 312, 3 } },
	{ KINDS, "in_page_given_back", .reachable = { 336, 3 } },
	{ KINDS, "in_sparse_mapping", .reachable = { 192, 2 } },
	{ KINDS, "in_unmapped", .definite = { 136, 1 } },
	{ KINDS, "in_read_only", .definite = { 144, 1 } },
	{ KINDS, "in_environment", .reachable = { 32, 1 }, MORE },
	{ KINDS, "in_stdio", .reachable = { 4096, 1 }, MORE },
	{ KINDS, "in_library", .reachable = { 152, 1 }, MORE },
	{ KINDS, "in_closed_library", .definite = { 152, 1 }, MORE },
	{ KINDS, "in_freed", .definite = { 123, 3 } },
	{ KINDS, "in_slack", .definite = { 48, 1 }, .reachable = { 32, 1 } },
	{ KINDS, "in_cut_off", .definite = { 56, 1 }, .reachable = { 400, 1 } },
	{ KINDS, "reallocated", .definite = { 3001001, 2 }, .reachable = { 200024, 2 } },
	{ KINDS, "aligned", .definite = { 8692, 3 }, .possible = { 600, 1 },
	  .reachable = { 500, 1 } },
	{ KINDS, "large", .definite = { 1048576, 1 }, .reachable = { 2097168, 2 } },
	{ KINDS, "tree_held", .reachable = { 24000000, 1000000 }, .by_chance = true },
	{ KINDS, "tree_lost", .definite = { 24, 1 }, .indirect = { 23999976, 999999 },
	  .by_chance = true },
	{ KINDS, "graph", .definite = { 1881648, 26082 }, .indirect = { 1391414, 22685 },
	  .possible = { 30919, 700 }, .reachable = { 28346, 533 } },
	{ THREADS, "on_stack", .reachable = { 192, 3 }, MORE },
	{ THREADS, "in_register", .reachable = { 120, 1 }, MORE },
	{ THREADS, "in_tls_of_thread", .reachable = { 288, 4 }, MORE },
	{ THREADS, "in_key_of_thread", .reachable = { 320, 4 }, MORE },
	{ THREADS, "many_arenas", .definite = { 16000, 16 }, .reachable = { 192000, 4000 }, MORE },
	{ THREADS, "on_ended_stack", .definite = { 88, 1 }, .indirect = { 176, 2 }, MORE },
	{ THREADS, "in_ended_tls", .reachable = { 192, 2 }, MORE },
	{ THREADS, "many_ended", .definite = { 1664, 16 }, MORE },
	{ THREADS, "ended_by_thread", .definite = { 40, 1 }, .reachable = { 1056, 13 },
	  .exit_status = 5, MORE },
	{ THREADS, "main_ended_first", .definite = { 168, 2 }, .indirect = { 128, 1 },
	  .reachable = { 224, 2 }, .exit_status = 6, MORE,
	  .may_miss = "what the first thread has left on its stack counts as in use" },
	{ THREADS, "on_allocated_coroutine", .reachable = { 262552, 4 } },
	{ THREADS, "on_mapped_coroutine", .reachable = { 408, 3 } },
	{ THREADS, "on_freed_coroutine", .definite = { 136, 1 }, .indirect = { 272, 2 } },
	{ THREADS, "on_unmapped_coroutine", .definite = { 136, 1 }, .indirect = { 272, 2 } },
	{ THREADS, "ended_on_coroutine", .definite = { 56, 1 }, .reachable = { 544, 4 },
	  .exit_status = 7 },
	{ THREADS, "ended_on_alternate_stack", .definite = { 56, 1 }, .reachable = { 544, 4 },
	  .exit_status = 7 },
	{ THREADS, "ended_above_interrupted", .definite = { 56, 1 }, .reachable = { 544, 4 },
	  .exit_status = 7 },
	{ THREADS, "thread_ended_above_interrupted", .definite = { 56, 1 }, .reachable = { 544, 4 },
	  .exit_status = 7, MORE },
	{ ENDS, "at_exit", .definite = { 176, 3 } },
	{ ENDS, "at_quick_exit", .definite = { 96, 2 }, .reachable = { 80, 1 }, .exit_status = 3 },
	{ ENDS, "exit_below_main", .definite = { 96, 1 }, .reachable = { 176, 2 },
	  .exit_status = 4 },
	{ ENDS, "raw_exit", .definite = { 96, 1 }, .reachable = { 176, 2 }, .exit_status = 5 },
	{ ENDS, "exit_group", .definite = { 96, 1 }, .reachable = { 176, 2 }, .exit_status = 6 },
	{ ENDS, "exit_inline", .definite = { 96, 1 }, .reachable = { 176, 2 }, .exit_status = 8 },
	{ ENDS, "thread_exits_inline", .definite = { 96, 1 }, .reachable = { 176, 2 },
	  .exit_status = 8, MORE },
	{ ENDS, "terminated", .definite = { 96, 1 }, .reachable = { 176, 2 }, .exit_status = 143 },
	{ ENDS, "killed", .definite = { 96, 1 }, .reachable = { 176, 2 }, .exit_status = 137 },
	{ ENDS, "crashed", .definite = { 96, 1 }, .reachable = { 176, 2 }, .exit_status = 139 },
	{ ENDS, "aborted", .definite = { 96, 1 }, .reachable = { 176, 2 }, .exit_status = 134 },
	{ ENDS, "child_ends", .definite = { 40, 1 } },
	{ ENDS, "child_forgets", .reachable = { 240, 2 } },
	{ ENDS, "parent_ends", .definite = { 40, 1 } },
	{ CXX, "new_array", .reachable = { 128, 1 }, MORE },
	{ CXX, "new_array_lost", .definite = { 128, 1 }, MORE },
	{ CXX, "new_array_of_plain", .reachable = { 120, 1 }, MORE },
	{ CXX, "single_objects", .definite = { 24, 1 }, .reachable = { 152, 2 }, MORE },
	{ CXX, "second_base_pointer", .reachable = { 40, 1 }, MORE },
	{ CXX, "base_without_table", .possible = { 32, 1 }, MORE },
	{ CXX, "old_string", .reachable = { 133, 2 }, MORE },
	{ CXX, "old_string_lost", .definite = { 8, 1 }, .indirect = { 125, 1 }, MORE },
	{ CXX, "exception_kept", .possible = { 144, 2 }, .reachable = { 8, 1 }, MORE },
	{ CXX, "shared_pointer", .reachable = { 160, 3 }, MORE },
	{ CXX, "shared_pointer_ring", .definite = { 72, 1 }, .indirect = { 72, 1 }, MORE },
	{ CXX, "containers", .reachable = { 2128, 41 }, MORE },
	{ CXX, "containers_lost", .definite = { 16, 1 }, .indirect = { 480, 20 }, MORE },
};

const size_t nr_leak_truths = sizeof(leak_truths) / sizeof(leak_truths[0]);

const struct leak_truth *leak_truth__find(const char *victim, const char *name)
{
	for (size_t i = 0; i < nr_leak_truths; i++)
		if (!strcmp(leak_truths[i].victim, victim) && !strcmp(leak_truths[i].name, name))
			return &leak_truths[i];
	fail_msg("%s has no case %s", victim, name);
	return NULL;
}

static bool at_least(const struct leak_count *count, const struct leak_count *least)
{
	return count->bytes >= least->bytes && count->blocks >= least->blocks;
}

bool leak_truth__has_no_more_lost(const struct leak_truth *truth, const struct leak_counts *counts)
{
	return at_least(&truth->definite, &counts->of[LEAK_DEFINITE]) &&
	       at_least(&truth->indirect, &counts->of[LEAK_INDIRECT]);
}

bool leak_truth__holds(const struct leak_truth *truth, const struct leak_counts *counts)
{
	struct leak_counts expected = { .of = {
						[LEAK_DEFINITE] = truth->definite,
						[LEAK_INDIRECT] = truth->indirect,
						[LEAK_POSSIBLE] = truth->possible,
						[LEAK_REACHABLE] = truth->reachable,
					} };

	if (truth->at_least) {
		if (!at_least(&counts->of[LEAK_POSSIBLE], &truth->possible) ||
		    !at_least(&counts->of[LEAK_REACHABLE], &truth->reachable))
			return false;
		expected.of[LEAK_POSSIBLE] = counts->of[LEAK_POSSIBLE];
		expected.of[LEAK_REACHABLE] = counts->of[LEAK_REACHABLE];
	}
	return leak_counts__equal(&expected, counts);
}
