// SPDX-License-Identifier: GPL-2.0
/* See family.h. */
#include "family.h"

#include <stdlib.h>
#include <string.h>

void compare_family(const struct run *victim_run, const struct run *run, unsigned int nr_processes)
{
	unsigned int nr = 0;
	char *copy = strdup(victim_run->out);

	for (char *line = strtok(copy, "\n"); line; line = strtok(NULL, "\n"), nr++) {
		json_t *truth = json_loads(line, 0, NULL);
		const json_t *record;

		assert_non_null(truth);
		record = exit_record_of(run, (pid_t)number(truth, "pid"), 0);
		/* That record is of the test's own copy, which became the parent by exec. */
		if (!strcmp(text(record, "end.kind"), "exec"))
			record = exit_record_of(run, (pid_t)number(truth, "pid"), 1);
		assert_held(record, number(truth, "held_bytes"), number(truth, "held_blocks"));
		assert_int_equal(number(record, "inherited.bytes"),
				 number(truth, "inherited_bytes"));
		assert_int_equal(number(record, "inherited.blocks"),
				 number(truth, "inherited_blocks"));
		assert_int_equal(number(record, "inherited.freed_bytes"),
				 number(truth, "freed_bytes"));
		assert_int_equal(number(record, "inherited.freed_blocks"),
				 number(truth, "freed_blocks"));
		assert_int_equal(number(record, "totals.unknown_frees"), 0);
		assert_nothing_lost(record);
		assert_consistent(record);
		json_decref(truth);
	}
	free(copy);
	assert_int_equal(nr, nr_processes);
}
