// SPDX-License-Identifier: GPL-2.0
/* See stack_cut.h. Used by exit_frames.c. */
#include "leaks/stack_cut.h"

bool stack_cut__make(struct stack_cut *cut, const struct stack_copy *stack,
		     const uint64_t *return_addresses, size_t nr)
{
	size_t at = 0, frame = 0;

	*cut = (struct stack_cut){ .stack_pointer = stack->sp };
	for (size_t i = 0; i < nr; i++) {
		while (at < stack->nr_words && stack->words[at] != return_addresses[i])
			at++;
		if (at == stack->nr_words)
			return false;
		for (size_t saved = at; saved > frame && at - saved < SAVED_REGISTERS &&
					cut->nr_saved < PAUSED_GENERAL_REGISTERS;
		     saved--)
			cut->saved[cut->nr_saved++] = stack->words[saved - 1];
		frame = ++at;
		cut->stack_pointer = stack->sp + at * sizeof(*stack->words);
	}
	return true;
}
