// SPDX-License-Identifier: GPL-2.0
/*
 * A profile for https://www.speedscope.app: frames in one table, a "sampled" profile for each
 * process, whose weights are bytes. Its schema is at
 * https://www.speedscope.app/file-format-schema.json.
 */
#include <jansson.h>
#include <string.h>

#include "base/log.h"
#include "output/json_value.h"
#include "output/output.h"
#include "output/profile.h"

#define DUMP_FLAGS (JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII)

static json_t *build_frame(const struct profile_frame *frame)
{
	char buffer[512];
	json_t *line =
		json_pack("{s:o}", "name",
			  json_value__text(profile_frame__name(frame, buffer, sizeof(buffer))));

	if (frame->file || frame->module)
		json_value__join(&line, json_pack("{s:o}", "file",
						  json_value__text(frame->file ? frame->file :
										 frame->module)));
	if (frame->line)
		json_value__join(&line, json_pack("{s:I}", "line", (json_int_t)frame->line));
	return line;
}

/* The last frame of the table stands for stacks that were not recorded. */
static json_t *build_frames(const struct profile *profile)
{
	json_t *frames = json_array();

	for (size_t i = 0; frames && i < profile->nr_frames; i++)
		json_value__append(&frames, build_frame(&profile->frames[i]));
	if (frames)
		json_value__append(&frames, json_pack("{s:s}", "name", "(no stack was recorded)"));
	return frames;
}

/* Callers first. */
static json_t *build_sample(const struct profile *profile, const struct profile_stack *stack)
{
	json_t *sample = json_array();

	for (uint32_t i = stack->nr_frames; sample && i > 0; i--)
		json_value__append(&sample, json_integer(stack->frames[i - 1]));
	if (sample && !stack->nr_frames)
		json_value__append(&sample, json_integer((json_int_t)profile->nr_frames));
	return sample;
}

static json_t *build_process(const struct profile *profile, uint32_t number)
{
	const struct profile_process *process = &profile->processes[number];
	json_t *samples = json_array(), *weights = json_array(), *name;
	uint64_t bytes = 0;

	for (size_t i = 0; samples && weights && i < profile->nr_stacks; i++) {
		const struct profile_stack *stack = &profile->stacks[i];

		if (stack->process != number)
			continue;
		bytes += stack->bytes;
		json_value__append(&samples, build_sample(profile, stack));
		json_value__append(&weights, json_integer(json_value__whole(stack->bytes)));
	}
	name = process->pid ? json_sprintf("held by PID %d", process->pid) :
			      json_string("held by all processes");
	return json_pack("{s:s, s:o, s:s, s:i, s:I, s:o, s:o}", "type", "sampled", "name", name,
			 "unit", "bytes", "startValue", 0, "endValue", json_value__whole(bytes),
			 "samples", samples, "weights", weights);
}

static json_t *build(const struct profile *profile)
{
	json_t *profiles = json_array();

	for (size_t i = 0; profiles && i < profile->nr_processes; i++)
		json_value__append(&profiles, build_process(profile, (uint32_t)i));
	return json_pack("{s:s, s:o, s:o, s:s, s:s}", "$schema",
			 "https://www.speedscope.app/file-format-schema.json", "shared",
			 json_pack("{s:o}", "frames", build_frames(profile)), "profiles", profiles,
			 "name", "memleak-bpf", "exporter", "memleak-bpf " MEMLEAK_VERSION);
}

static void end(void *state, FILE *out)
{
	struct profile *profile = state;
	json_t *file = build(profile);

	if (!file || profile->is_partial || json_dumpf(file, out, DUMP_FLAGS))
		log__error("out of memory: the speedscope profile is not complete");
	json_decref(file);
	profile__free(profile);
}

const struct output_format output_speedscope = {
	.name = "speedscope",
	.suffix = ".speedscope.json",
	.is_whole = true,
	.is_picture = true,
	.state_bytes = sizeof(struct profile),
	.begin = profile__begin,
	.report = profile__report,
	.end = end,
};
