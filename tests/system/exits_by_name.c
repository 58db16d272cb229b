// SPDX-License-Identifier: GPL-2.0
/* See exits_by_name.h. */
#include "exits_by_name.h"

#include <string.h>

#define BRIEF_ALLOCATIONS 20

bool is_exit_of(const json_t *record, const char *comm)
{
	return !strcmp(text(record, "event"), "exit") && !strcmp(text(record, "comm"), comm);
}

unsigned int count_exits(const struct run *run, const char *comm, json_t **last)
{
	unsigned int nr = 0;
	json_t *record;
	size_t i;

	json_array_foreach(run->events, i, record)
	{
		if (!is_exit_of(record, comm) || truth_value(record, "fork_copy"))
			continue;
		nr++;
		if (last)
			*last = record;
	}
	return nr;
}

json_t *only_exit(const struct run *run, const char *comm)
{
	json_t *record = NULL;
	unsigned int nr = count_exits(run, comm, &record);

	if (nr != 1)
		run__print(run);
	assert_int_equal(nr, 1);
	return record;
}

void assert_brief(const json_t *record)
{
	assert_string_equal(text(record, "end.kind"), "exited");
	assert_int_equal(number(record, "end.code"), 7);
	assert_held(record, BRIEF_BYTES, BRIEF_BLOCKS);
	assert_int_equal(number(record, "totals.allocated_blocks"), BRIEF_ALLOCATIONS);
	assert_int_equal(number(record, "totals.unknown_frees"), 0);
	assert_int_equal(number(record, "inherited.blocks"), 0);
	assert_false(truth_value(record, "late_attach"));
	assert_nothing_lost(record);
	assert_consistent(record);
	assert_reclaimed(record);
}
