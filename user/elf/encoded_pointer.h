/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads addresses as .eh_frame and .eh_frame_hdr write them. One byte, DW_EH_PE_…, gives the form
 * and the base (Linux Standard Base, Core, "DWARF Exception Header Encoding").
 */
#ifndef ENCODED_POINTER_H
#define ENCODED_POINTER_H

#include <stdint.h>

#include "base/byte_cursor.h"

/* The bases of addresses. 0: not known, and addresses relative to it can't be read. */
struct pointer_bases {
	const uint8_t *begin; /* of the section's bytes */
	uint64_t address; /* of those bytes in the program's memory */
	uint64_t data;
	uint64_t function;
};

/*
 * The cursor fails on an invalid encoding and on an unknown base. It also fails on an indirect
 * pointer, whose target exists only at run time. A null pointer is 0 in every encoding.
 */
uint64_t encoded_pointer__read(struct byte_cursor *cursor, uint8_t encoding,
			       const struct pointer_bases *bases);

/* Reads a size: only the encoding's form counts. */
uint64_t encoded_pointer__read_size(struct byte_cursor *cursor, uint8_t encoding);

/* Skips a pointer relative to any base, indirect ones too. */
void encoded_pointer__skip(struct byte_cursor *cursor, uint8_t encoding,
			   const struct pointer_bases *bases);

#endif
