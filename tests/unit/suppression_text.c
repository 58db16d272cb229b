// SPDX-License-Identifier: GPL-2.0
/* See suppression_text.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above before it. */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suppression_text.h"

const struct leak_sum suppression_text__one_block = { 10, 1 };

int suppression_text__read_bytes(struct suppressions *suppressions, const char *text,
				 size_t nr_bytes, const char **error)
{
	static char message[200];
	FILE *in = nr_bytes ? fmemopen((void *)text, nr_bytes, "r") : fopen("/dev/null", "r");
	int err;

	assert_non_null(in);
	*message = '\0';
	err = suppressions__read(suppressions, "file.supp", in, message, sizeof(message));
	fclose(in);
	if (error)
		*error = message;
	return err;
}

int suppression_text__read(struct suppressions *suppressions, const char *text, const char **error)
{
	return suppression_text__read_bytes(suppressions, text, strlen(text), error);
}

static struct suppressions *read_good(const char *text)
{
	struct suppressions *suppressions = suppressions__new();
	const char *error;

	if (suppression_text__read(suppressions, text, &error))
		fail_msg("%s:\n%s", error, text);
	return suppressions;
}

size_t suppression_text__nr_entries(const char *text)
{
	struct suppressions *suppressions = read_good(text);
	size_t nr = suppressions__nr(suppressions);

	suppressions__free(suppressions);
	return nr;
}

bool suppression_text__hides(const char *text, enum leak_kind kind,
			     const struct report_frame *frames, size_t nr)
{
	struct suppressions *suppressions = read_good(text);
	bool is_hidden =
		suppressions__match(suppressions, kind, frames, nr, &suppression_text__one_block);

	suppressions__free(suppressions);
	return is_hidden;
}

char *suppression_text__repeat(const char *before, const char *text, size_t times,
			       const char *after)
{
	size_t room = strlen(before) + strlen(text) * times + strlen(after) + 1;
	char *all = malloc(room), *at = stpcpy(all, before);

	for (size_t i = 0; i < times; i++)
		at = stpcpy(at, text);
	strcpy(at, after);
	return all;
}
