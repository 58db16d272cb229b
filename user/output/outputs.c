// SPDX-License-Identifier: GPL-2.0
/* See outputs.h. Reports come from reporter.c; document.c and report_file.c write each. */
#include "output/outputs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "output/document.h"
#include "output/report_file.h"

struct one_output {
	const struct output_format *format;
	const char *name; /* for messages; the path of a file, which the caller owns */
	bool is_file;
	struct report_file *file;
	struct document *document;
};

struct outputs {
	struct one_output list[OUTPUTS_MAX];
	size_t nr;
	uint64_t top;
	bool system_wide;
};

struct outputs *outputs__new(void)
{
	return calloc(1, sizeof(struct outputs));
}

void outputs__free(struct outputs *outputs)
{
	if (!outputs)
		return;
	for (size_t i = 0; i < outputs->nr; i++) {
		document__free(outputs->list[i].document);
		report_file__free(outputs->list[i].file);
	}
	free(outputs);
}

static int add(struct outputs *outputs, const struct one_output *output)
{
	if (!output->file)
		return -errno;
	if (outputs->nr == OUTPUTS_MAX) {
		report_file__free(output->file);
		return -ENOSPC;
	}
	outputs->list[outputs->nr++] = *output;
	return 0;
}

int outputs__add_file(struct outputs *outputs, const struct output_format *format, const char *path,
		      bool append)
{
	struct one_output output = {
		.format = format,
		.name = path,
		.is_file = true,
		.file = report_file__open(path, append),
	};

	return add(outputs, &output);
}

int outputs__add_stream(struct outputs *outputs, const struct output_format *format, int fd,
			const char *name)
{
	struct one_output output = {
		.format = format,
		.name = name,
		.file = report_file__of_descriptor(fd),
	};

	return add(outputs, &output);
}

void outputs__while_full(struct outputs *outputs, bool (*keep_waiting)(void *context),
			 void *context)
{
	for (size_t i = 0; i < outputs->nr; i++)
		report_file__while_full(outputs->list[i].file, keep_waiting, context);
}

int outputs__begin(struct outputs *outputs, const struct output_settings *settings, uint64_t top)
{
	outputs->top = top;
	outputs->system_wide = settings->system_wide;
	for (size_t i = 0; i < outputs->nr; i++) {
		struct one_output *output = &outputs->list[i];

		output->document = document__new(output->format, settings, output->file);
		if (!output->document)
			return -ENOMEM;
	}
	return 0;
}

bool outputs__has_pictures(const struct outputs *outputs)
{
	for (size_t i = 0; i < outputs->nr; i++)
		if (outputs->list[i].format->is_picture)
			return true;
	return false;
}

/* A picture of the whole system is of what runs. */
static bool takes_ends(const struct outputs *outputs, const struct output_format *format)
{
	return !(format->is_picture && outputs->system_wide);
}

bool outputs__has_whole_ends(const struct outputs *outputs)
{
	for (size_t i = 0; i < outputs->nr; i++)
		if (outputs->list[i].format->is_whole &&
		    takes_ends(outputs, outputs->list[i].format))
			return true;
	return false;
}

/* Sums up what comes after the first `top` stacks. */
static void cut(struct report_stacks *stacks, uint64_t top)
{
	for (size_t i = top < stacks->nr ? (size_t)top : stacks->nr; i < stacks->nr; i++) {
		const struct report_stack *stack = &stacks->list[i];
		struct stack_sum *sums[] = { &stacks->more, &stacks->more_steady };
		bool steady = stacks->order == ORDER_GROWTH && stack->growth.bytes <= 0;

		for (size_t j = 0; j < 1 + (size_t)steady; j++) {
			sums[j]->stacks++;
			sums[j]->bytes += stack->bytes;
			sums[j]->blocks += stack->blocks;
		}
	}
	if (top < stacks->nr)
		stacks->nr = (size_t)top;
}

/* What the format shows of the report: a person is not shown what is for programs alone. */
static void write_to(const struct outputs *outputs, const struct one_output *output,
		     const struct report *report)
{
	struct report shown = *report;
	struct process_report process;
	struct ranking_report ranking;
	bool to_programs = output->format->is_whole;

	if (report->only_for_programs && !to_programs)
		return;
	if (report->kind == REPORT_EXIT && !takes_ends(outputs, output->format))
		return;
	if (report->kind == REPORT_EXIT || report->kind == REPORT_OUTSTANDING) {
		process = *report->process;
		if (report->stacks_only_for_programs && !to_programs)
			process.stacks = (struct report_stacks){ 0 };
		if (!output->format->is_picture)
			cut(&process.stacks, outputs->top);
		shown.process = &process;
	} else if (report->kind == REPORT_RANKING) {
		ranking = *report->ranking;
		if (!output->format->is_picture)
			cut(&ranking.stacks, outputs->top);
		shown.ranking = &ranking;
	}
	document__write(output->document, &shown);
}

void outputs__write(struct outputs *outputs, const struct report *report)
{
	for (size_t i = 0; i < outputs->nr; i++)
		write_to(outputs, &outputs->list[i], report);
}

void outputs__end(struct outputs *outputs)
{
	for (size_t i = 0; i < outputs->nr; i++)
		document__end(outputs->list[i].document);
}

void outputs__flush(struct outputs *outputs)
{
	for (size_t i = 0; i < outputs->nr; i++)
		fflush(report_file__stream(outputs->list[i].file));
}

void outputs__reopen(struct outputs *outputs)
{
	for (size_t i = 0; i < outputs->nr; i++) {
		struct one_output *output = &outputs->list[i];
		int err;

		/* Its error is told at the end. */
		if (!output->is_file || report_file__flush(output->file))
			continue;
		err = document__reopen(output->document, output->name);
		if (err)
			log__warning(
				"cannot reopen %s: %s; reports go on to the file that was open",
				output->name, strerror(-err));
	}
}

int outputs__status(struct outputs *outputs)
{
	int status = 0;

	for (size_t i = 0; i < outputs->nr; i++) {
		const struct one_output *output = &outputs->list[i];
		int err = report_file__flush(output->file);

		/* A reader that closes a pipe, as head does, has read enough: that is no error. */
		if (err && err != -EPIPE)
			log__error("cannot write to %s: %s", output->name,
				   err == -EINTR ? "its reader does not read, and the tracer was "
						   "told to stop" :
						   strerror(-err));
		if (err && (!status || status == -EPIPE))
			status = err;
	}
	return status;
}
