/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tells what the instructions of an x86-64 function refer to. The bytes are hostile input. Zydis
 * decodes them.
 */
#ifndef DECODED_CODE_H
#define DECODED_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct code_bytes {
	const uint8_t *bytes;
	size_t nr_bytes;
	uint64_t address; /* of the first byte, which begins an instruction */
	bool fixed; /* the program runs at its own addresses, so that code may contain them */
};

enum code_fact {
	CODE_CALLS, /* a call of that address */
	CODE_JUMPS, /* a jump to that address, conditional or not */
	CODE_REFERS, /* the address as a value: lea relative to RIP or, when fixed, mov of 32 bits */
	CODE_MULTIPLIES, /* no address: 0 */
};

/*
 * Calls found for every fact, in the order of the instructions. Jumps and calls by a register or by
 * memory are none. Stops when found returns non-zero and returns that; 0 at the end; -EILSEQ when
 * an instruction can't be decoded.
 */
int decoded_code__each(const struct code_bytes *code,
		       int (*found)(enum code_fact fact, uint64_t address, void *context),
		       void *context);

/*
 * Does the function, when none of its conditional jumps is taken, jump to that address and leave
 * its own first two integer arguments as they are, and the stack? Then they are the first two of
 * the other function.
 */
bool decoded_code__passes_arguments_to(const struct code_bytes *code, uint64_t address);

/*
 * Calls found for each place that may be a CODE_REFERS to that address. Bytes are compared, without
 * decoding instructions: this is for much code. Return values as above.
 */
int decoded_code__search(const struct code_bytes *code, uint64_t address,
			 int (*found)(uint64_t place, void *context), void *context);

#endif
