// SPDX-License-Identifier: GPL-2.0
/*
 * Folded stacks, as flame graph tools read them: a line for each stack, "main;serve;keep 4096",
 * callers first, then bytes. https://github.com/brendangregg/FlameGraph describes it. A stack of
 * one of several processes begins with the process.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/sanitize_text.h"
#include "output/output.h"
#include "output/profile.h"

struct line {
	char *text; /* the frames */
	uint64_t bytes;
};

/* A ";" ends a frame there, and a newline the stack. */
static void print_frame(FILE *out, const char *name)
{
	char safe[4096];

	sanitize_text__copy(safe, sizeof(safe), name);
	for (char *at = safe; *at; at++)
		fputc(*at == ';' ? ':' : *at, out);
}

static void print_process(FILE *out, const struct profile_process *process)
{
	print_frame(out, process->comm ? process->comm : "?");
	fprintf(out, " (PID %d);", process->pid);
}

/* The frames of a stack, to be freed; NULL: there is no memory. */
static char *fold(const struct profile *profile, const struct profile_stack *stack)
{
	char *text = NULL, buffer[512];
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	if (profile->nr_processes > 1)
		print_process(out, &profile->processes[stack->process]);
	if (!stack->nr_frames)
		fputs("(no stack was recorded)", out);
	for (uint32_t i = stack->nr_frames; i > 0; i--) {
		print_frame(out, profile_frame__name(&profile->frames[stack->frames[i - 1]], buffer,
						     sizeof(buffer)));
		if (i > 1)
			fputc(';', out);
	}
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

static int by_text(const void *a, const void *b)
{
	const struct line *left = a, *right = b;

	return strcmp(left->text, right->text);
}

/* Stacks that differ in lines of source alone are one line here. */
static void print_lines(FILE *out, struct line *lines, size_t nr)
{
	uint64_t bytes = 0;

	if (nr)
		qsort(lines, nr, sizeof(*lines), by_text);
	for (size_t i = 0; i < nr; i++) {
		bytes += lines[i].bytes;
		if (i + 1 < nr && !strcmp(lines[i].text, lines[i + 1].text))
			continue;
		fprintf(out, "%s %" PRIu64 "\n", lines[i].text, bytes);
		bytes = 0;
	}
}

static void write_profile(FILE *out, struct profile *profile)
{
	struct line *lines = calloc(profile->nr_stacks + 1, sizeof(*lines));
	size_t nr = 0;

	for (size_t i = 0; lines && i < profile->nr_stacks; i++) {
		lines[nr] = (struct line){ fold(profile, &profile->stacks[i]),
					   profile->stacks[i].bytes };
		profile->is_partial |= !lines[nr].text;
		nr += lines[nr].text != NULL;
	}
	if (lines)
		print_lines(out, lines, nr);
	if (!lines || profile->is_partial)
		log__error("out of memory: the folded stacks are not complete");
	for (size_t i = 0; i < nr; i++)
		free(lines[i].text);
	free(lines);
}

static void end(void *state, FILE *out)
{
	write_profile(out, state);
	profile__free(state);
}

const struct output_format output_folded = {
	.name = "folded",
	.suffix = ".folded",
	.is_whole = true,
	.is_picture = true,
	.state_bytes = sizeof(struct profile),
	.begin = profile__begin,
	.report = profile__report,
	.end = end,
};
