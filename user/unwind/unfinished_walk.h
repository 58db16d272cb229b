/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The rest of a walk that BPF had to break off, since it came to a file that was met for the first
 * time. The stack that goes on is a copy of what the process had then: hostile input. Pure.
 */
#ifndef UNFINISHED_WALK_H
#define UNFINISHED_WALK_H

#include <stdint.h>

#include "bpf/wire.h"
#include "bpf/wire_unwind.h"

/* What is mapped at an address. */
struct walked_code {
	uint32_t file_id; /* 0: no file, or one without a number */
	uint64_t base; /* the address of the file's first byte; 0 without a file */
	struct unwind_rule rule;
};

struct walked_process {
	/* Returns STACK_COMPLETE, or why it can't be said. */
	enum stack_end (*find_code)(uint64_t address, struct walked_code *code, void *context);
	void *context;
	uint32_t max_frames; /* that are kept; at most WIRE_MAX_FRAMES */
};

/*
 * Goes on where the walk stopped: its last frame is the one without a table. Writes the frames and
 * the end that it comes to to *stack.
 */
void unfinished_walk__finish(const struct unfinished_walk *unfinished,
			     const struct walked_process *process, struct stack *stack);

#endif
