/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where in an x86-64 function a probe costs least. The kernel does some instructions by itself when
 * a probe is on them; others it must copy and single-step, a second trap. The function's bytes come
 * from allocators.c, which puts the probe there; they are hostile input.
 */
#ifndef PLACEMENT_H
#define PLACEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The instruction that takes the probe is within so many bytes. */
#define PLACEMENT_PROLOGUE_BYTES 64

struct placement {
	uint32_t behind; /* the function's first byte, that many */
	bool emulated; /* the kernel needs no single step there */
};

/*
 * Takes the first instruction that kernels since 5.10 emulate, if every call comes by there exactly
 * once, with the return address still on top of the stack and the first nr_arguments (at most 3)
 * integer arguments in their registers; else the function's first byte. code has its first bytes;
 * whole: all of them, so that what jumps within it can be seen. Else only a push is taken.
 */
struct placement placement__choose(const uint8_t *code, size_t nr_bytes, bool whole,
				   unsigned int nr_arguments);

#endif
