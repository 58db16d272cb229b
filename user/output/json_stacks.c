// SPDX-License-Identifier: GPL-2.0
/* See json_stacks.h. */
#include "output/json_stacks.h"

#include "output/json_leaks.h"
#include "output/json_value.h"

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
	return line;
}

json_t *json_stacks__build(const struct report_stacks *stacks, const struct report_leaks *leaks)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < stacks->nr; i++)
		json_value__append(&array, build_stack(&stacks->list[i], leaks));
	return json_pack("{s:o, s:I, s:I, s:I}", "stacks", array, "more_stacks",
			 json_value__whole(stacks->more), "more_bytes",
			 json_value__whole(stacks->more_bytes), "more_blocks",
			 json_value__whole(stacks->more_blocks));
}
