// SPDX-License-Identifier: GPL-2.0
/* Compares output with a file of tests/golden/, and shows the first line that differs. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden_file.h"

static void rewrite(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	if (!file || fputs(text, file) == EOF || fclose(file))
		fail_msg("%s can't be written", path);
}

static char *read_whole(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t size = 0;

	if (!file)
		fail_msg("%s can't be read; UPDATE_GOLDEN=1 writes it", path);
	if (getdelim(&text, &size, '\0', file) < 0)
		fail_msg("%s is empty", path);
	fclose(file);
	return text;
}

void golden_file__compare(const char *name, const char *got)
{
	const char *update = getenv("UPDATE_GOLDEN");
	unsigned int line = 1;
	char path[256], *expected;
	size_t line_start = 0, i;

	snprintf(path, sizeof(path), "tests/golden/%s", name);
	if (update && strcmp(update, "1") == 0) {
		rewrite(path, got);
		return;
	}
	expected = read_whole(path);
	for (i = 0; expected[i] && expected[i] == got[i]; i++) {
		if (expected[i] == '\n') {
			line++;
			line_start = i + 1;
		}
	}
	if (expected[i] != got[i]) {
		print_error("%s:%u: expected\n%.*s\ngot\n%.*s\n", path, line,
			    (int)strcspn(expected + line_start, "\n"), expected + line_start,
			    (int)strcspn(got + line_start, "\n"), got + line_start);
		free(expected);
		fail_msg("output differs from %s", path);
	}
	free(expected);
}
