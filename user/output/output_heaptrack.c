// SPDX-License-Identifier: GPL-2.0
/*
 * A file for heaptrack_print and heaptrack_gui, in version 1 of the format that heaptrack's
 *interpreter writes: lines of a letter and hexadecimal numbers, and tables that are counted from 1.
 *A process is as it was at its newest report: all that it held is allocated at once. heaptrack's
 *reader, src/analyze/accumulatedtracedata.cpp, says what the lines mean: v VERSION FORMAT, X
 *COMMAND, I PAGE_BYTES PAGES	the head s TEXT						a string i
 *ADDRESS MODULE FUNCTION FILE LINE		a place in code; the names are strings t PLACE
 *CALLER					a stack; CALLER is one, too, or 0 a BYTES STACK
 *a kind of block, counted from 0
 *	+ KIND						a block of it
 *	c MILLISECONDS					the time
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/hash_index.h"
#include "base/log.h"
#include "base/sanitize_text.h"
#include "output/output.h"
#include "output/profile.h"

/* A stack that was written: a place, below a caller. */
struct trace {
	uint32_t place, caller;
};

struct writer {
	FILE *out;
	const struct profile *profile;
	uint32_t nr_strings;
	uint32_t nr_kinds;
	uint32_t nr_places;
	struct trace *traces; /* trace i + 1 */
	size_t nr_traces, capacity;
	struct hash_index index; /* of traces */
	bool failed; /* for want of memory */
};

/* Returns its number; 0 stands for none. */
static uint32_t write_string(struct writer *writer, const char *text)
{
	if (!text)
		return 0;
	fputs("s ", writer->out);
	sanitize_text__print(writer->out, text);
	fputc('\n', writer->out);
	return ++writer->nr_strings;
}

static uint64_t hash_trace(const struct trace *trace)
{
	return hash_index__mix(hash_index__mix(0, trace->caller), trace->place);
}

static uint64_t hash_entry(const void *context, size_t entry)
{
	return hash_trace(&((const struct writer *)context)->traces[entry]);
}

static bool is_entry(const void *context, size_t entry, const void *key)
{
	return !memcmp(&((const struct writer *)context)->traces[entry], key, sizeof(struct trace));
}

/* Returns the number of the trace, which is written when it is new; 0 on failure. */
static uint32_t find_trace(struct writer *writer, uint32_t place, uint32_t caller)
{
	const struct trace trace = { place, caller };
	uint32_t *slot;

	if (hash_index__reserve(&writer->index, writer, writer->nr_traces) ||
	    array__reserve(&writer->traces, &writer->capacity, writer->nr_traces + 1)) {
		writer->failed = true;
		return 0;
	}
	slot = hash_index__slot(&writer->index, writer, hash_trace(&trace), &trace);
	if (!*slot) {
		writer->traces[writer->nr_traces++] = trace;
		*slot = (uint32_t)writer->nr_traces;
		fprintf(writer->out, "t %x %x\n", place, caller);
	}
	return *slot;
}

/* A place for each frame of the profile, in their order, so that numbers are the same plus 1. */
static void write_places(struct writer *writer)
{
	for (size_t i = 0; i < writer->profile->nr_frames; i++) {
		const struct profile_frame *frame = &writer->profile->frames[i];
		char buffer[512];
		uint32_t module = write_string(writer, frame->module);
		uint32_t function =
			write_string(writer, profile_frame__name(frame, buffer, sizeof(buffer)));
		uint32_t file = write_string(writer, frame->file);

		fprintf(writer->out, "i %" PRIx64 " %x %x %x %x\n",
			frame->module ? frame->module_offset : frame->address, module, function,
			file, frame->line);
		writer->nr_places++;
	}
}

/* Returns the number of a place that is a name alone. */
static uint32_t write_name(struct writer *writer, const char *name)
{
	fprintf(writer->out, "i 0 0 %x 0 0\n", write_string(writer, name));
	return ++writer->nr_places;
}

/* Each process of several is the outermost caller of its stacks. */
static uint32_t root_of(struct writer *writer, const struct profile_process *process)
{
	char name[64];

	if (writer->profile->nr_processes < 2)
		return 0;
	snprintf(name, sizeof(name), "%.32s (PID %d)", process->comm ? process->comm : "?",
		 process->pid);
	return find_trace(writer, write_name(writer, name), 0);
}

static void write_blocks(struct writer *writer, uint64_t bytes, uint32_t trace, uint64_t nr)
{
	if (!nr)
		return;
	fprintf(writer->out, "a %" PRIx64 " %x\n", bytes, trace);
	for (uint64_t i = 0; i < nr; i++)
		fprintf(writer->out, "+ %x\n", writer->nr_kinds);
	writer->nr_kinds++;
}

/* The blocks of a stack are as equal as its sum allows: of two sizes, one byte apart. */
static void write_stack(struct writer *writer, const struct profile_stack *stack, uint32_t root)
{
	uint32_t trace = root;
	uint64_t size, larger;

	for (uint32_t i = stack->nr_frames; i > 0; i--)
		trace = find_trace(writer, stack->frames[i - 1] + 1, trace);
	if (!stack->nr_frames)
		trace = find_trace(writer, write_name(writer, "(no stack was recorded)"), root);
	if (!stack->blocks)
		return;
	size = stack->bytes / stack->blocks;
	larger = stack->bytes % stack->blocks;
	write_blocks(writer, size, trace, stack->blocks - larger);
	write_blocks(writer, size + 1, trace, larger);
}

static void write_profile(struct writer *writer)
{
	const struct profile *profile = writer->profile;
	const char *exe = profile->nr_processes ? profile->processes[0].exe : NULL;

	fprintf(writer->out, "v 10000 1\nX ");
	sanitize_text__print(writer->out, exe ? exe : "memleak-bpf");
	fprintf(writer->out, "\nI %lx %lx\n", sysconf(_SC_PAGESIZE), sysconf(_SC_PHYS_PAGES));
	write_places(writer);
	for (uint32_t i = 0; i < profile->nr_processes; i++) {
		uint32_t root = root_of(writer, &profile->processes[i]);

		for (size_t j = 0; j < profile->nr_stacks; j++)
			if (profile->stacks[j].process == i)
				write_stack(writer, &profile->stacks[j], root);
	}
	fputs("c 1\n", writer->out);
}

static void end(void *state, FILE *out)
{
	struct profile *profile = state;
	struct writer writer = {
		.out = out,
		.profile = profile,
		.index = { .hash = hash_entry, .is_equal = is_entry },
	};

	write_profile(&writer);
	if (writer.failed || profile->is_partial)
		log__error("out of memory: the heaptrack file is not complete");
	free(writer.traces);
	hash_index__clear(&writer.index);
	profile__free(profile);
}

const struct output_format output_heaptrack = {
	.name = "heaptrack",
	.suffix = ".heaptrack",
	.is_whole = true,
	.is_picture = true,
	.state_bytes = sizeof(struct profile),
	.begin = profile__begin,
	.report = profile__report,
	.end = end,
};
