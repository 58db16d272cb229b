/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where x86-64 code goes on after one instruction. The bytes come from function_returns.c, which
 * follows the code; they are hostile input.
 */
#ifndef CODE_STEP_H
#define CODE_STEP_H

#include <stddef.h>
#include <stdint.h>

#define CODE_STEP_BYTES_MAX 15 /* no instruction is longer */

enum code_step_kind {
	CODE_STEP_NEXT, /* to the next instruction */
	CODE_STEP_NOTHING, /* likewise, and the instruction does nothing */
	CODE_STEP_CALL, /* to the next, if the called function returns */
	CODE_STEP_EITHER, /* to the next or to the target */
	CODE_STEP_JUMP, /* to the target */
	CODE_STEP_SLOT, /* to the address that memory at the target has */
	CODE_STEP_RETURN,
	CODE_STEP_END, /* nowhere: the process gets a signal */
	CODE_STEP_UNKNOWN, /* an indirect jump, a return of another kind, or no instruction */
};

struct code_step {
	enum code_step_kind kind;
	uint32_t nr_bytes; /* of the instruction; 0: there is none */
	uint64_t target; /* an address; of a call: 0 when it is indirect */
};

/* Decodes the first of these bytes, which are code of that address. */
struct code_step code_step__of(const uint8_t *code, size_t nr_bytes, uint64_t address);

#endif
