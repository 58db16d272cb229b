/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finishes a walk that BPF broke off at a file without a table yet, mostly one that was met for the
 * first time. It reads a copy of the stack, taken at that moment: hostile input. Pure.
 */
#ifndef UNFINISHED_WALK_H
#define UNFINISHED_WALK_H

#include <stdint.h>

#include "bpf/wire.h"
#include "bpf/wire_unwind.h"

/* The code that is mapped at an address. */
struct walked_code {
	uint32_t file_id; /* 0: no file, or one without a number */
	uint64_t base; /* the address of the file's first byte; 0 without a file */
	struct unwind_rule rule;
};

struct walked_process {
	/* Returns STACK_COMPLETE, or why the code is not known. */
	enum stack_end (*find_code)(uint64_t address, struct walked_code *code, void *context);
	void *context;
	uint32_t max_frames; /* to keep; at most WIRE_MAX_FRAMES */
};

/*
 * Goes on where the walk stopped: its last frame is the one without a table. Writes the frames and
 * the walk's end to *stack.
 */
void unfinished_walk__finish(const struct unfinished_walk *unfinished,
			     const struct walked_process *process, struct stack *stack);

#endif
