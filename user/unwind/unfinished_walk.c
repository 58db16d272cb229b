// SPDX-License-Identifier: GPL-2.0
/* See unfinished_walk.h. The step from a frame to its caller is bpf/unwind_step.h, as in BPF. */
#include "unwind/unfinished_walk.h"

#include <stdbool.h>

#include "bpf/unwind_step.h"

struct late_walk {
	struct walk walk; /* stays first: unwind_read_word casts its address */
	const struct unfinished_walk *unfinished;
};

int unwind_read_word(struct walk *walk, __u64 address, __u64 *word)
{
	const struct unfinished_walk *unfinished = ((struct late_walk *)walk)->unfinished;
	uint64_t nr = unfinished->nr_words, index = (address - unfinished->sp) / sizeof(*word);

	if (nr > WIRE_STACK_COPY_WORDS)
		nr = WIRE_STACK_COPY_WORDS;
	if (address % sizeof(*word) || unfinished->sp % sizeof(*word) || index >= nr)
		return 0;
	*word = unfinished->words[index];
	return 1;
}

static wire_frame frame_at(const struct walk *walk, const struct walked_code *code)
{
	wire_frame frame = (walk->ip - code->base) & WIRE_FRAME_OFFSET_MASK;

	frame |= (wire_frame)code->file_id << WIRE_FRAME_FILE_SHIFT;
	return walk->exact ? frame | WIRE_FRAME_EXACT : frame;
}

/* Adds the walk's current frame and goes to its caller. False: the walk has ended. */
static bool visit_frame(struct walk *walk, const struct walked_process *process,
			struct stack *stack)
{
	struct walked_code code = { 0 };
	uint64_t address = walk->exact ? walk->ip : walk->ip - 1;

	if (stack->nr_frames >= process->max_frames) {
		stack->end = STACK_FULL;
		return false;
	}
	stack->end = process->find_code(address, &code, process->context);
	if (stack->end == STACK_NO_CODE && walk->frame_pointers)
		stack->end = STACK_FRAME_POINTERS;
	if (stack->end == STACK_NO_CODE || stack->end == STACK_FRAME_POINTERS)
		return false;
	stack->frames[stack->nr_frames++] = frame_at(walk, &code);
	if (stack->end != STACK_COMPLETE || code.rule.cfa == UNWIND_CFA_END)
		return false;
	walk->rule = code.rule;
	stack->end = (enum stack_end)walk__step(walk);
	/* A return address of 0: a thread begins here without saying so. */
	return stack->end == STACK_COMPLETE && walk->ip;
}

void unfinished_walk__finish(const struct unfinished_walk *unfinished,
			     const struct walked_process *process, struct stack *stack)
{
	struct late_walk late = {
		.walk = {
			.ip = unfinished->ip,
			.sp = unfinished->sp,
			.bp = unfinished->bp,
			.exact = unfinished->exact,
		},
		.unfinished = unfinished,
	};

	if (stack->nr_frames > process->max_frames)
		stack->nr_frames = process->max_frames;
	if (stack->nr_frames)
		stack->nr_frames--;
	while (visit_frame(&late.walk, process, stack))
		;
	/* The copy lacks the word. BPF would have read the stack itself, with the table. */
	if (stack->end == STACK_UNREADABLE)
		stack->end = STACK_NO_TABLE;
}
