// SPDX-License-Identifier: GPL-2.0
/* See command_line.h. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "command_line.h"

char command_line__error[256];

int command_line__parse(struct options *options, const char *const words[])
{
	char *argv[COMMAND_LINE_MAX_WORDS + 2] = { (char *)"memleak-bpf" };
	static char *kept[COMMAND_LINE_MAX_WORDS + 2];
	int argc = 1, result;

	for (; words[argc - 1]; argc++)
		argv[argc] = (char *)words[argc - 1];
	/* options->command points into argv, which so must outlive this function. */
	memcpy(kept, argv, sizeof(kept));
	strcpy(command_line__error, "untouched");
	result = options__parse(options, argc, kept, command_line__error,
				sizeof(command_line__error));
	assert_memory_equal(kept, argv, sizeof(kept));
	return result;
}

void command_line__assert_refused(const struct refusal *refusals, size_t nr)
{
	struct options options;

	for (size_t i = 0; i < nr; i++) {
		int result = command_line__parse(&options, refusals[i].words);

		options__free(&options);
		if (result != -EINVAL || strcmp(command_line__error, refusals[i].message) != 0)
			fail_msg("refusal %zu: %d\nexpected %s\ngot      %s", i, result,
				 refusals[i].message, command_line__error);
	}
}
