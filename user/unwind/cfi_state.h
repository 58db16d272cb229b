/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shared by the files that implement cfi.h: the virtual machine of call frame instructions (DWARF
 * 5, section 6.4.2), with only the registers that a walk needs, and the rules made of its state.
 */
#ifndef CFI_STATE_H
#define CFI_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "unwind/cfi.h"
#include "elf/encoded_pointer.h"
#include "unwind/machine.h"

enum cfi_where {
	CFI_UNSPECIFIED,
	CFI_UNDEFINED,
	CFI_SAME_VALUE,
	CFI_AT_OFFSET, /* saved at cfa + offset */
	CFI_IS_OFFSET, /* the value is cfa + offset */
	CFI_IN_REGISTER, /* for the cfa: register + offset */
	CFI_AT_EXPRESSION,
	CFI_IS_EXPRESSION,
};

/* Where the caller's value of a register is, or what the canonical frame address is. */
struct cfi_location {
	uint16_t where; /* enum cfi_where */
	uint16_t number; /* enum machine_register: the register that it is in */
	uint32_t expression_bytes;
	union {
		int64_t offset;
		const uint8_t *expression;
	};
};

struct cfi_state {
	struct cfi_location cfa;
	struct cfi_location frame_pointer;
	struct cfi_location stack_pointer;
	struct cfi_location return_address;
};

/* A common information entry (CIE), which many functions share. */
struct cfi_entry {
	uint32_t offset; /* in the section */
	uint8_t pointer_encoding;
	bool signal; /* the frames were not made by a call */
	bool sized; /* its functions' records have augmentation data, preceded by its length */
	bool usable; /* false: its functions are listed, but their rules can't be read */
	uint64_t code_factor;
	int64_t data_factor;
	struct cfi_state initial; /* made by its own instructions */
};

/* Runs an entry's instructions, which fill its initial state. False when they are damaged. */
bool cfi_program__initialize(struct cfi_entry *entry, struct byte_cursor code);

/* Runs a function's instructions, as cfi__interpret does. end is exclusive. */
int cfi_program__run(const struct cfi_entry *entry, struct byte_cursor code,
		     const struct pointer_bases *bases, uint64_t end, cfi_emit emit, void *context);

/* The value of an expression, or of a register and an offset. */
struct cfi_value {
	enum {
		CFI_VALUE_UNKNOWN, /* no rule can express it */
		CFI_VALUE_CONSTANT, /* offset */
		CFI_VALUE_REGISTER, /* register + offset */
		CFI_VALUE_MEMORY, /* *(register + inner_offset) + offset */
		CFI_VALUE_PLT, /* the stubs of lazy binding; offset is the N of UNWIND_CFA_PLT */
	} kind;
	uint16_t number; /* enum machine_register */
	int64_t inner_offset;
	int64_t offset;
};

/* Runs an expression on symbols instead of numbers. Its stack begins with initial, if any. */
struct cfi_value cfi_expression__evaluate(const uint8_t *bytes, size_t nr_bytes,
					  const struct cfi_value *initial);

/* The rule that expresses the state. */
struct unwind_rule cfi_rule__make(const struct cfi_state *state, bool signal);

#endif
