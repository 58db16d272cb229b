// SPDX-License-Identifier: GPL-2.0
/*
 * The flame graph page: one file that opens without network, page/ before and after a profile in
 *JSON: title, facts, limits	what stands above the graph has			growth, old, kinds:
 *whether these are known of each stack frames			{name, file, line, module, inlined}
 *	stacks			{bytes, blocks, growth, old, kind, frames: indexes, innermost first}
 * Names are hostile. In the JSON, no "<" remains that could end its element.
 */
#include <jansson.h>
#include <string.h>

#include "base/log.h"
#include "base/text_units.h"
#include "output/json_value.h"
#include "output/output.h"
#include "output/profile.h"

/* tools/page makes them; page_parts.S has them in the program. */
extern const char page_head[], page_head_end[], page_tail[], page_tail_end[];

#define DUMP_FLAGS (JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII)

static const char *const kinds[NR_LEAK_KINDS] = {
	[LEAK_DEFINITE] = "definite",
	[LEAK_INDIRECT] = "indirect",
	[LEAK_POSSIBLE] = "possible",
	[LEAK_REACHABLE] = "reachable",
};

static const char *last_part(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash && slash[1] ? slash + 1 : path;
}

static json_t *build_frame(const struct profile_frame *frame)
{
	char buffer[512];

	return json_pack("{s:o, s:o, s:I, s:o, s:b}", "name",
			 json_value__text(profile_frame__name(frame, buffer, sizeof(buffer))),
			 "file", json_value__text(last_part(frame->file)), "line",
			 (json_int_t)frame->line, "module",
			 json_value__text(frame->module ? last_part(frame->module) : ""), "inlined",
			 frame->inlined);
}

static json_t *build_frames(const struct profile *profile)
{
	json_t *frames = json_array();

	for (size_t i = 0; frames && i < profile->nr_frames; i++)
		json_value__append(&frames, build_frame(&profile->frames[i]));
	return frames;
}

static json_t *build_stack(const struct profile *profile, const struct profile_stack *stack)
{
	const struct report_growth *growth = &stack->growth;
	json_t *frames = json_array(), *line;

	for (uint32_t i = 0; frames && i < stack->nr_frames; i++)
		json_value__append(&frames, json_integer(stack->frames[i]));
	line = json_pack("{s:I, s:I, s:o}", "bytes", json_value__whole(stack->bytes), "blocks",
			 json_value__whole(stack->blocks), "frames", frames);
	if (growth->known)
		json_value__join(&line, json_pack("{s:I}", "growth", (json_int_t)growth->bytes));
	if (growth->has_ages)
		json_value__join(&line,
				 json_pack("{s:I}", "old", json_value__whole(growth->old_bytes)));
	if (profile->processes[stack->process].has_leaks)
		json_value__join(&line, json_pack("{s:s}", "kind", kinds[stack->kind]));
	return line;
}

/* What every stack has can be shown; "has" says what that is. */
static json_t *build_has(const struct profile *profile)
{
	bool growth = profile->nr_stacks, old = profile->nr_stacks, leaks = profile->nr_stacks;

	for (size_t i = 0; i < profile->nr_stacks; i++) {
		const struct profile_stack *stack = &profile->stacks[i];

		growth &= stack->growth.known;
		old &= stack->growth.has_ages;
		leaks &= profile->processes[stack->process].has_leaks;
	}
	return json_pack("{s:b, s:b, s:b}", "growth", growth, "old", old, "kinds", leaks);
}

static json_t *build_stacks(const struct profile *profile)
{
	json_t *stacks = json_array();

	for (size_t i = 0; stacks && i < profile->nr_stacks; i++)
		json_value__append(&stacks, build_stack(profile, &profile->stacks[i]));
	return stacks;
}

static json_t *build_title(const struct profile *profile)
{
	const struct profile_process *first = profile->processes;
	json_t *comm, *title;

	if (!profile->nr_processes)
		return json_string("nothing was reported");
	if (profile->nr_processes > 1)
		return json_sprintf("%zu processes", profile->nr_processes);
	if (!first->pid)
		return json_string("all processes");
	comm = json_value__text(first->comm);
	title = comm && json_is_string(comm) ?
			json_sprintf("%s (PID %d)", json_string_value(comm), first->pid) :
			json_sprintf("PID %d", first->pid);
	json_decref(comm);
	return title;
}

static json_t *build_facts(const struct profile *profile)
{
	uint64_t bytes = 0, blocks = 0;
	struct timespec time = { 0 };

	for (size_t i = 0; i < profile->nr_processes; i++) {
		bytes += profile->processes[i].held_bytes;
		blocks += profile->processes[i].held_blocks;
		time = profile->processes[i].time;
	}
	return json_sprintf("held %s in %s, at %s; memleak-bpf %s",
			    text_units__size(text_units__to_figure(bytes)).text,
			    text_units__nouns(blocks, "block").text,
			    text_units__time(&time, false).text, MEMLEAK_VERSION);
}

static json_t *build_limits(const struct profile *profile)
{
	json_t *limits = json_array();
	bool late = false, at_least = false;

	for (size_t i = 0; i < profile->nr_processes; i++) {
		late |= profile->processes[i].late_attach;
		at_least |= profile->processes[i].at_least;
	}
	if (limits && late)
		json_value__append(&limits,
				   json_string("attached late: earlier blocks are not counted"));
	if (limits && at_least)
		json_value__append(&limits, json_string("at least: some calls were missed"));
	if (limits && profile->is_partial)
		json_value__append(&limits, json_string("not complete: memory had run out"));
	return limits;
}

/* In a string of JSON "<" is the same; outside of strings there is none. */
static int write_safely(const char *text, size_t size, void *out)
{
	for (size_t i = 0; i < size; i++)
		if (text[i] == '<')
			fputs("\\u003c", out);
		else
			fputc(text[i], out);
	return 0;
}

static void end(void *state, FILE *out)
{
	struct profile *profile = state;
	json_t *data = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "title", build_title(profile),
				 "facts", build_facts(profile), "limits", build_limits(profile),
				 "has", build_has(profile), "frames", build_frames(profile),
				 "stacks", build_stacks(profile));

	if (data) {
		fwrite(page_head, 1, (size_t)(page_head_end - page_head), out);
		json_dump_callback(data, write_safely, out, DUMP_FLAGS);
		fwrite(page_tail, 1, (size_t)(page_tail_end - page_tail), out);
	} else {
		log__error("out of memory: no page was written");
	}
	json_decref(data);
	profile__free(profile);
}

const struct output_format output_html = {
	.name = "html",
	.suffix = ".html",
	.is_whole = true,
	.is_picture = true,
	.state_bytes = sizeof(struct profile),
	.begin = profile__begin,
	.report = profile__report,
	.end = end,
};
