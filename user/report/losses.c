// SPDX-License-Identifier: GPL-2.0
/* See losses.h. enum loss in bpf/wire.h tells where each is counted. */
#include "report/losses.h"

const struct loss_cause loss_causes[NR_LOSSES] = {
	[LOSS_RETURN] = { LOSS_OF_EVENTS, true, "missed_return", "allocator call",
			  "whose return was not seen" },
	[LOSS_FREE] = { LOSS_OF_EVENTS, true, "missed_free", "block",
			"whose free was not seen: handed out again" },
	[LOSS_GUEST] = { LOSS_OF_EVENTS, true, "unseen_guest", "process",
			 "that used another's memory: its calls were not all seen" },
	[LOSS_NEW_LEADER] = { LOSS_OF_EVENTS, true, "exec_by_thread", "exec",
			      "by another thread than the first: calls just after were not seen" },
	[LOSS_THREAD_MAP_FULL] = { LOSS_OF_EVENTS, true, "no_room_for_thread", "allocator call",
				   "of threads for which there was no room" },
	[LOSS_BLOCK_MAP_FULL] = { LOSS_OF_BLOCKS, true, "no_room_for_block", "block",
				  "for which there was no room (see --max-blocks)" },
	[LOSS_GHOST] = { LOSS_OF_BLOCKS, false, "no_room_for_freed", "freed block",
			 "not remembered for forked copies: no room (see --max-blocks)" },
	[LOSS_ANCESTOR] = { LOSS_OF_BLOCKS, false, "too_many_forks", "free",
			    "of a block that may be inherited: from more forks back than are known" },
	[LOSS_STACK] = { LOSS_OF_STACKS, false, "no_stack", "block",
			 "recorded without a stack (see --max-stacks)" },
	[LOSS_SITE_MAP_FULL] = { LOSS_OF_STACKS, false, "no_room_for_site", "block",
				 "not counted by stack: no room (see --max-stacks)" },
	[LOSS_SPACE_MAP_FULL] = { LOSS_OF_EVENTS, true, "no_room_for_process", "process",
				  "not traced: no room for more" },
	[LOSS_UNRECORDED_CALL] = { LOSS_OF_EVENTS, true, "call_of_unrecorded", "call",
				   "of processes that are not traced for want of room" },
	[LOSS_ENDED_MAP_FULL] = { LOSS_OF_EVENTS, true, "no_room_for_end", "process",
				  "whose end is not reported: too many ends waited" },
	[LOSS_TARGET_MAP_FULL] = { LOSS_OF_EVENTS, true, "no_room_for_child", "child process",
				   "not followed: no room for more" },
	[LOSS_REPLACED_SPACE] = { LOSS_OF_EVENTS, true, "end_seen_by_next", "process",
				  "whose end was seen only after its memory had become another's" },
	[LOSS_TEARDOWN_END] = { LOSS_OF_EVENTS, true, "missed_teardown_end", "process",
				"whose teardown was not seen to its end" },
	[LOSS_TRACE_EVENT] = { LOSS_OF_EVENTS, false, "no_room_for_event", "call",
			       "not shown by -t: they came too fast" },
	[LOSS_UNSEEN_END] = { LOSS_OF_EVENTS, true, "missed_end", "process",
			      "whose end was not seen when it happened" },
	[LOSS_MAPPING_RECORD] = { LOSS_OF_RECORDS, true, "mapping_record", "kernel record",
				  "of mappings: names, or probes in new allocators, may be missing" },
};

static void add_up(uint64_t *sum, uint64_t number)
{
	if (__builtin_add_overflow(*sum, number, sum))
		*sum = UINT64_MAX;
}

uint64_t losses__sum(const struct report_lost *lost, enum loss_kind kind)
{
	uint64_t sum = 0;

	for (int i = 0; i < NR_LOSSES; i++)
		if (loss_causes[i].kind == kind)
			add_up(&sum, lost->by_cause[i]);
	return sum;
}

bool losses__lessen_sums(const struct report_lost *lost)
{
	for (int i = 0; i < NR_LOSSES; i++)
		if (loss_causes[i].lessens_sums && lost->by_cause[i])
			return true;
	return false;
}

void losses__add_space(struct report_lost *lost, const struct space *space)
{
	for (int i = 0; i < NR_SPACE_LOSSES; i++)
		add_up(&lost->by_cause[i], space->lost[i]);
}
