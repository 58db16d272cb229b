// SPDX-License-Identifier: GPL-2.0
/*
 * libFuzzer over a file of suppressions and the names of a stack, which a zero byte each divides.
 * Whatever the names are, the entry that is printed for the stack must hide it. Built and run by
 * make fuzz.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "report/suppressions.h"

#define MAX_FRAMES 8

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nr_bytes);

/* Cuts the next text off. NULL at the end. */
static char *next_text(char **at, const char *end)
{
	char *text = *at;

	if (text >= end)
		return NULL;
	*at = text + strlen(text) + 1;
	return text;
}

static size_t fill(struct report_frame frames[MAX_FRAMES], char *at, const char *end)
{
	size_t nr = 0;

	for (; nr < MAX_FRAMES && at < end; nr++) {
		frames[nr] = (struct report_frame){ .line = 7 };
		frames[nr].inlined = *at & 1;
		frames[nr].function = next_text(&at, end);
		frames[nr].symbol = next_text(&at, end);
		frames[nr].module = next_text(&at, end);
		frames[nr].file = next_text(&at, end);
	}
	return nr;
}

static void check_error(const char *error)
{
	if (strncmp(error, "name:", strlen("name:")) != 0 || strchr(error, '\n'))
		abort();
}

static void check_file(const char *text, size_t nr_bytes, const struct report_frame *frames,
		       size_t nr)
{
	static struct report_suppression list[2];
	struct suppressions *suppressions = suppressions__new();
	FILE *in = fmemopen((void *)text, nr_bytes, "r");
	const struct leak_sum sum = { 1, 1 };
	char error[80] = "";
	int err = suppressions__read(suppressions, "name", in, error, sizeof(error));

	if (err)
		check_error(error);
	if (err && (suppressions__nr(suppressions) || err != -EINVAL))
		abort();
	for (enum leak_kind kind = LEAK_UNCLASSIFIED; kind < NR_LEAK_KINDS; kind++)
		if (suppressions__match(suppressions, kind, frames, nr, &sum) !=
		    !!suppressions__used(suppressions, list, 2))
			abort();
		else
			suppressions__reset_counts(suppressions);
	fclose(in);
	suppressions__free(suppressions);
}

static void check_printed(const struct report_frame *frames, size_t nr)
{
	struct suppressions *suppressions = suppressions__new();
	const struct leak_sum sum = { 1, 1 };
	char *text = NULL, error[200] = "";
	size_t nr_bytes = 0;
	FILE *file = open_memstream(&text, &nr_bytes);

	suppressions__print_entry(file, LEAK_POSSIBLE, frames, nr);
	fclose(file);
	if (nr_bytes) {
		file = fmemopen(text, nr_bytes, "r");
		if (suppressions__read(suppressions, "printed", file, error, sizeof(error)) ||
		    suppressions__nr(suppressions) != 1 ||
		    !suppressions__match(suppressions, LEAK_POSSIBLE, frames, nr, &sum) ||
		    suppressions__match(suppressions, LEAK_DEFINITE, frames, nr, &sum)) {
			fprintf(stderr, "%s\n%s", error, text);
			abort();
		}
		fclose(file);
	}
	free(text);
	suppressions__free(suppressions);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nr_bytes)
{
	struct report_frame frames[MAX_FRAMES];
	char *text = malloc(nr_bytes + 1);
	size_t file_bytes, nr = 0;

	memcpy(text, bytes, nr_bytes);
	text[nr_bytes] = '\0';
	file_bytes = strlen(text);
	if (file_bytes < nr_bytes)
		nr = fill(frames, text + file_bytes + 1, text + nr_bytes);
	if (file_bytes)
		check_file(text, file_bytes, frames, nr);
	check_printed(frames, nr);
	free(text);
	return 0;
}
