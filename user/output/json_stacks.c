// SPDX-License-Identifier: GPL-2.0
/* See json_stacks.h. */
#include "output/json_stacks.h"

#include "output/json_leaks.h"
#include "output/json_value.h"
#include "report/growth.h"

static json_t *build_frame(const struct report_frame *frame)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:s?}", "function",
			 json_value__text(frame->function), "file", json_value__text(frame->file),
			 "line", json_value__nonzero(frame->line), "module",
			 json_value__text(frame->module), "offset",
			 frame->module ? json_value__hex(frame->module_offset) : json_null(),
			 "address", frame->address ? json_value__hex(frame->address) : json_null(),
			 "inlined", frame->inlined, "build_id", frame->build_id);
}

static json_t *build_frames(const struct report_stack *stack)
{
	json_t *frames = json_array();

	for (size_t i = 0; frames && i < stack->nr_frames; i++)
		json_value__append(&frames, build_frame(&stack->frames[i]));
	return frames;
}

static json_t *build_blocks_or_null(const struct report_stack *stack)
{
	json_t *blocks;

	if (!stack->block_list)
		return json_null();
	blocks = json_array();
	for (size_t i = 0; blocks && i < stack->nr_block_list; i++) {
		const struct report_block *block = &stack->block_list[i];

		json_value__append(&blocks, json_pack("{s:o, s:I, s:o}", "address",
						      json_value__hex(block->address), "bytes",
						      json_value__whole(block->size_bytes), "age_s",
						      json_value__seconds(block->age_s)));
	}
	return blocks;
}

static const char *const stack_ends[NR_STACK_ENDS] = {
	[STACK_COMPLETE] = "complete",
	[STACK_FULL] = "full",
	[STACK_FRAME_POINTERS] = "frame_pointers",
	[STACK_NO_TABLE] = "no_table",
	[STACK_BUSY] = "busy",
	[STACK_NO_CODE] = "no_code",
	[STACK_UNREADABLE] = "unreadable",
	[STACK_BAD_RULE] = "bad_rule",
};

json_t *json_stacks__walks(const uint64_t walks[NR_STACK_ENDS])
{
	json_t *line = json_object();

	for (int i = 0; i < NR_STACK_ENDS; i++)
		json_object_set_new(line, stack_ends[i], json_integer(json_value__whole(walks[i])));
	return line;
}

static json_t *build_growth(const struct report_growth *growth)
{
	json_t *line = json_pack("{s:I, s:I, s:I}", "bytes", (json_int_t)growth->bytes, "blocks",
				 (json_int_t)growth->blocks, "long_bytes",
				 (json_int_t)growth->long_bytes);

	if (growth->has_ages)
		json_value__join(&line,
				 json_pack("{s:I, s:I, s:I, s:b}", "old_bytes",
					   json_value__whole(growth->old_bytes), "born_bytes",
					   json_value__whole(growth->born_bytes), "survived_bytes",
					   json_value__whole(growth->survived_bytes), "like_a_leak",
					   growth__looks_like_leak(growth)));
	return line;
}

static json_t *build_stack(const struct report_stack *stack, const struct report_leaks *leaks)
{
	json_t *line = json_pack(
		"{s:I, s:I, s:o, s:b, s:s, s:o, s:o}", "bytes", json_value__whole(stack->bytes),
		"blocks", json_value__whole(stack->blocks), "kind", json_leaks__kind(stack->kind),
		"truncated", stack->end != STACK_COMPLETE, "end", stack_ends[stack->end], "frames",
		build_frames(stack), "block_list", build_blocks_or_null(stack));

	if (stack->nr_processes)
		json_value__join(&line,
				 json_pack("{s:I}", "processes", (json_int_t)stack->nr_processes));
	if (leaks)
		json_value__join(&line, json_leaks__of_stack(leaks, stack));
	if (stack->growth.known)
		json_value__join(&line, json_pack("{s:o}", "growth", build_growth(&stack->growth)));
	return line;
}

/* Of the growth of all its stacks. */
static json_t *build_times(const struct report_stacks *stacks)
{
	json_t *steady = json_null();

	if (stacks->order == ORDER_GROWTH)
		steady = json_pack("{s:I, s:I, s:I, s:I}", "stacks",
				   json_value__whole(stacks->steady.stacks), "bytes",
				   json_value__whole(stacks->steady.bytes), "blocks",
				   json_value__whole(stacks->steady.blocks), "growth_bytes",
				   (json_int_t)stacks->steady_growth_bytes);
	return json_pack("{s:o, s:o, s:o}", "growth_s", json_value__seconds(stacks->since_s),
			 "growth_long_s", json_value__seconds(stacks->long_s), "steady", steady);
}

json_t *json_stacks__build(const struct report_stacks *stacks, const struct report_leaks *leaks)
{
	json_t *array = json_array(), *line;

	for (size_t i = 0; array && i < stacks->nr; i++)
		json_value__append(&array, build_stack(&stacks->list[i], leaks));
	line = json_pack("{s:o, s:I, s:I, s:I}", "stacks", array, "more_stacks",
			 json_value__whole(stacks->more.stacks), "more_bytes",
			 json_value__whole(stacks->more.bytes), "more_blocks",
			 json_value__whole(stacks->more.blocks));
	if (stacks->since_s > 0)
		json_value__join(&line, build_times(stacks));
	return line;
}
