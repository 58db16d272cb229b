// SPDX-License-Identifier: GPL-2.0
/* See profile.h. Used by the formats that show all stacks at once. */
#include "output/profile.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/string_pool.h"
#include "output/text_lines.h"

#define MAX_NAME_BYTES (256ULL << 20)
#define MAX_STACKS (1U << 20)

static bool is_same_frame(const struct profile_frame *a, const struct profile_frame *b)
{
	return a->function == b->function && a->symbol == b->symbol && a->file == b->file &&
	       a->module == b->module && a->build_id == b->build_id && a->line == b->line &&
	       a->module_offset == b->module_offset && a->address == b->address &&
	       a->inlined == b->inlined;
}

static uint64_t hash_frame(const struct profile_frame *frame)
{
	uint64_t hash = hash_index__mix(0, (uintptr_t)frame->function);

	hash = hash_index__mix(hash, frame->module_offset);
	hash = hash_index__mix(hash, (uintptr_t)frame->module);
	return hash_index__mix(hash, frame->address ^ frame->line);
}

static uint64_t hash_entry(const void *context, size_t entry)
{
	return hash_frame(&((const struct profile *)context)->frames[entry]);
}

static bool is_entry(const void *context, size_t entry, const void *key)
{
	return is_same_frame(&((const struct profile *)context)->frames[entry], key);
}

static void free_stack(struct profile_stack *stack)
{
	free(stack->frames);
}

void profile__free(struct profile *profile)
{
	for (size_t i = 0; i < profile->nr_stacks; i++)
		free_stack(&profile->stacks[i]);
	free(profile->stacks);
	free(profile->frames);
	free(profile->processes);
	hash_index__clear(&profile->index);
	string_pool__free(profile->names);
	*profile = (struct profile){ .index = { .hash = hash_entry, .is_equal = is_entry } };
}

void profile__begin(void *profile, FILE *out, const struct output_settings *settings)
{
	(void)out;
	(void)settings;
	*(struct profile *)profile =
		(struct profile){ .index = { .hash = hash_entry, .is_equal = is_entry } };
}

static const char *keep(struct profile *profile, const char *text)
{
	const char *kept;

	if (!text)
		return NULL;
	if (!profile->names)
		profile->names = string_pool__new(MAX_NAME_BYTES);
	kept = profile->names ? string_pool__intern(profile->names, text) : NULL;
	profile->is_partial |= !kept;
	return kept;
}

/* Returns 0 and the frame's index, or -ENOMEM. */
static int keep_frame(struct profile *profile, const struct report_frame *from, uint32_t *index)
{
	struct profile_frame frame = {
		.function = keep(profile, from->function),
		.symbol = keep(profile, from->symbol),
		.file = keep(profile, from->file),
		.module = keep(profile, from->module),
		.build_id = keep(profile, from->build_id),
		.line = from->line,
		.module_offset = from->module_offset,
		.inlined = from->inlined,
	};
	uint32_t *slot;

	/* Within a file, the same code is at another address in each process. */
	if (!from->module)
		frame.address = from->address;
	if (hash_index__reserve(&profile->index, profile, profile->nr_frames) ||
	    array__reserve(&profile->frames, &profile->frames_capacity, profile->nr_frames + 1))
		return -ENOMEM;
	slot = hash_index__slot(&profile->index, profile, hash_frame(&frame), &frame);
	if (!*slot) {
		profile->frames[profile->nr_frames++] = frame;
		*slot = (uint32_t)profile->nr_frames;
	}
	*index = *slot - 1;
	return 0;
}

static int add_stack(struct profile *profile, const struct report_stack *from, uint32_t process)
{
	struct profile_stack stack = {
		.process = process,
		.bytes = from->bytes,
		.blocks = from->blocks,
		.kind = from->kind,
		.growth = from->growth,
	};
	int err;

	if (profile->nr_stacks >= MAX_STACKS)
		return -ENOMEM;
	err = array__reserve(&profile->stacks, &profile->stacks_capacity, profile->nr_stacks + 1);
	stack.frames = err ? NULL : calloc(from->nr_frames + 1, sizeof(*stack.frames));
	if (!stack.frames)
		return -ENOMEM;
	for (size_t i = 0; i < from->nr_frames && !err; i++)
		err = keep_frame(profile, &from->frames[i], &stack.frames[stack.nr_frames++]);
	if (err) {
		free_stack(&stack);
		return err;
	}
	profile->stacks[profile->nr_stacks++] = stack;
	return 0;
}

static void add_stacks(struct profile *profile, const struct report_stacks *stacks,
		       uint32_t process)
{
	for (size_t i = 0; i < stacks->nr; i++)
		if (add_stack(profile, &stacks->list[i], process))
			profile->is_partial = true;
}

static void remove_stacks(struct profile *profile, uint32_t process)
{
	size_t nr = 0;

	for (size_t i = 0; i < profile->nr_stacks; i++) {
		if (profile->stacks[i].process == process)
			free_stack(&profile->stacks[i]);
		else
			profile->stacks[nr++] = profile->stacks[i];
	}
	profile->nr_stacks = nr;
}

/* The place for a process: that of its report before, or a new one. NULL: there is no memory. */
static struct profile_process *place_of(struct profile *profile, pid_t pid)
{
	for (size_t i = 0; i < profile->nr_processes; i++) {
		if (profile->processes[i].pid != pid || profile->processes[i].has_ended)
			continue;
		remove_stacks(profile, (uint32_t)i);
		return &profile->processes[i];
	}
	if (array__reserve(&profile->processes, &profile->processes_capacity,
			   profile->nr_processes + 1)) {
		profile->is_partial = true;
		return NULL;
	}
	return &profile->processes[profile->nr_processes++];
}

static void add_process(struct profile *profile, const struct process_report *report,
			bool has_ended)
{
	struct profile_process *process = place_of(profile, report->pid);

	if (!process)
		return;
	*process = (struct profile_process){
		.pid = report->pid,
		.comm = keep(profile, report->comm),
		.exe = keep(profile, report->exe),
		.cgroup = keep(profile, report->cgroup),
		.has_ended = has_ended,
		.has_leaks = report->leaks && report->leaks->full,
		.late_attach = report->late_attach,
		.at_least = text_lines__sums_affected(&report->lost),
		.time = report->time,
		.held_bytes = report->held_bytes,
		.held_blocks = report->held_blocks,
	};
	add_stacks(profile, &report->stacks, (uint32_t)(process - profile->processes));
}

static void set_ranking(struct profile *profile, const struct ranking_report *ranking)
{
	struct profile_process *process;

	profile__free(profile);
	process = place_of(profile, 0);
	if (!process)
		return;
	*process = (struct profile_process){
		.at_least = text_lines__sums_affected(&ranking->lost),
		.time = ranking->time,
		.held_bytes = ranking->held_bytes,
		.held_blocks = ranking->held_blocks,
	};
	add_stacks(profile, &ranking->stacks, 0);
}

void profile__report(void *state, FILE *out, const struct report *report)
{
	struct profile *profile = state;

	(void)out;
	switch (report->kind) {
	case REPORT_EXIT:
		if (report->process->has_allocator)
			add_process(profile, report->process, true);
		break;
	case REPORT_OUTSTANDING:
		if (report->process->has_allocator)
			add_process(profile, report->process, false);
		break;
	case REPORT_RANKING:
		set_ranking(profile, report->ranking);
		break;
	case REPORT_START:
	case REPORT_TRACE:
	case REPORT_TOTAL:
		break;
	}
}

const char *profile_frame__name(const struct profile_frame *frame, char *buffer, size_t size)
{
	const char *slash;

	if (frame->function)
		return frame->function;
	if (!frame->module && !frame->address)
		return "(unknown)";
	if (!frame->module) {
		snprintf(buffer, size, "0x%" PRIx64, frame->address);
		return buffer;
	}
	slash = strrchr(frame->module, '/');
	snprintf(buffer, size, "%s+0x%" PRIx64, slash && slash[1] ? slash + 1 : frame->module,
		 frame->module_offset);
	return buffer;
}
