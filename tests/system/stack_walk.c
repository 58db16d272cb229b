// SPDX-License-Identifier: GPL-2.0
/* See stack_walk.h. */
#include "stack_walk.h"

#include <string.h>

#include "harness.h"

#define MAX_WORDS 16

void skip_unless_by_tables(void)
{
	const char *argv[MAX_WORDS] = { NULL };
	struct child_options child = { .argv = argv };
	size_t n = tracer_words(argv);
	struct run *run;
	json_t *features;
	bool by_tables;

	argv[n++] = "--features";
	argv[n++] = "--json";
	argv[n] = NULL;
	run = run_with(&child, RUN_TIMEOUT_S);
	features = json_loads(run->out, 0, NULL);
	assert_non_null(features);
	by_tables = !strcmp(text(features, "chosen.stack_walk"), "tables");
	json_decref(features);
	run__free(run);
	if (!by_tables)
		SKIP("stacks are not walked by tables");
}
