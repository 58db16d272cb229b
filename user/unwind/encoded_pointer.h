/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Addresses as .eh_frame and .eh_frame_hdr write them: in a form and relative to something, both
 * told by one byte, DW_EH_PE_… (Linux Standard Base, Core, "DWARF Exception Header Encoding").
 */
#ifndef ENCODED_POINTER_H
#define ENCODED_POINTER_H

#include <stdint.h>

#include "base/byte_cursor.h"

/* What addresses are relative to. 0: not known, and what is relative to it can't be read. */
struct pointer_bases {
	const uint8_t *begin; /* of the section's bytes */
	uint64_t address; /* where they will be in memory */
	uint64_t text;
	uint64_t data;
	uint64_t function;
};

/*
 * The cursor fails on an encoding that is none and on a base that is not known. An indirect pointer
 * is one too: what it points to is only there at run time. A null pointer is 0 in every encoding.
 */
uint64_t encoded_pointer__read(struct byte_cursor *cursor, uint8_t encoding,
			       const struct pointer_bases *bases);

/* Only the form: a size rather than an address. */
uint64_t encoded_pointer__read_size(struct byte_cursor *cursor, uint8_t encoding);

/* Whatever it points to, even indirectly. */
void encoded_pointer__skip(struct byte_cursor *cursor, uint8_t encoding,
			   const struct pointer_bases *bases);

#endif
