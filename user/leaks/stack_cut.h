/* SPDX-License-Identifier: GPL-2.0 */
/* The innermost frames of a stack, cut off a copy of it. Pure; the copy is hostile input. */
#ifndef STACK_CUT_H
#define STACK_CUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "leaks/paused_process.h"

/* Registers that a function saves for its caller, right below its return address: rbx, rbp, r12 to
 * r15. */
#define SAVED_REGISTERS 6

/* A copy of the stack, from sp on. */
struct stack_copy {
	uint64_t sp;
	const uint64_t *words;
	size_t nr_words;
};

struct stack_cut {
	uint64_t stack_pointer; /* where the caller's frame begins */
	uint64_t saved[PAUSED_GENERAL_REGISTERS]; /* words that may be saved registers */
	size_t nr_saved;
};

/*
 * Cuts the innermost frames off, which return to these addresses, the innermost first. Returns
 * false when the stack does not have them all. Pure.
 */
bool stack_cut__make(struct stack_cut *cut, const struct stack_copy *stack,
		     const uint64_t *return_addresses, size_t nr);

#endif
