/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finds the cheapest place for a probe in an x86-64 function. The kernel emulates some instructions
 * that a probe is on; others it must copy and single-step, which costs a second trap. The
 * function's bytes come from allocators.c, which places the probe; they are hostile input.
 */
#ifndef PLACEMENT_H
#define PLACEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The probed instruction is within this many bytes of the function's first. */
#define PLACEMENT_PROLOGUE_BYTES 64

struct placement {
	uint32_t behind; /* bytes from the function's first byte to the probe */
	bool emulated; /* the kernel needs no single step there */
};

/*
 * Chooses the first instruction that kernels since 5.10 emulate, if each call passes it exactly
 * once, with the return address still on top of the stack and the first nr_arguments (at most 6)
 * integer arguments in their registers. Else chooses the function's first byte. code holds the
 * function's first bytes. whole: code holds all of them, so that jumps within the function can be
 * seen; else only a push is chosen.
 */
struct placement placement__choose(const uint8_t *code, size_t nr_bytes, bool whole,
				   unsigned int nr_arguments);

#endif
