// SPDX-License-Identifier: GPL-2.0
/*
 * Reads pointers by their encoding byte: the low four bits give the form, the next three the base.
 * The highest bit makes the pointer indirect: it is the address of the value.
 */
#include <dwarf.h>

#include "elf/encoded_pointer.h"

#define FORM_MASK 0x0f
#define RELATIVE_MASK 0x70
#define POINTER_BYTES 8

static uint64_t read_form(struct byte_cursor *cursor, uint8_t form)
{
	switch (form) {
	case DW_EH_PE_absptr:
	case DW_EH_PE_signed:
	case DW_EH_PE_udata8:
	case DW_EH_PE_sdata8:
		return byte_cursor__unsigned(cursor, 8);
	case DW_EH_PE_uleb128:
		return byte_cursor__uleb128(cursor);
	case DW_EH_PE_sleb128:
		return (uint64_t)byte_cursor__sleb128(cursor);
	case DW_EH_PE_udata2:
		return byte_cursor__unsigned(cursor, 2);
	case DW_EH_PE_sdata2:
		return (uint64_t)byte_cursor__signed(cursor, 2);
	case DW_EH_PE_udata4:
		return byte_cursor__unsigned(cursor, 4);
	case DW_EH_PE_sdata4:
		return (uint64_t)byte_cursor__signed(cursor, 4);
	default:
		byte_cursor__fail(cursor);
		return 0;
	}
}

static uint64_t address_of(const struct byte_cursor *cursor, const struct pointer_bases *bases)
{
	return bases->address + (uint64_t)(cursor->at - bases->begin);
}

/* Reads a plain pointer at the next address that is aligned for it. */
static uint64_t read_aligned(struct byte_cursor *cursor, const struct pointer_bases *bases)
{
	byte_cursor__take(cursor, -address_of(cursor, bases) % POINTER_BYTES);
	return byte_cursor__unsigned(cursor, POINTER_BYTES);
}

static uint64_t known(struct byte_cursor *cursor, uint64_t base)
{
	if (!base)
		byte_cursor__fail(cursor);
	return base;
}

uint64_t encoded_pointer__read(struct byte_cursor *cursor, uint8_t encoding,
			       const struct pointer_bases *bases)
{
	uint64_t here = address_of(cursor, bases);
	uint64_t value;

	if (encoding == DW_EH_PE_aligned)
		return read_aligned(cursor, bases);
	if (encoding & DW_EH_PE_indirect) { /* true for DW_EH_PE_omit, too */
		byte_cursor__fail(cursor);
		return 0;
	}
	value = read_form(cursor, encoding & FORM_MASK);
	if (!value)
		return 0;
	switch (encoding & RELATIVE_MASK) {
	case DW_EH_PE_absptr:
		break;
	case DW_EH_PE_pcrel:
		value += here;
		break;
	case DW_EH_PE_datarel:
		value += known(cursor, bases->data);
		break;
	case DW_EH_PE_funcrel:
		value += known(cursor, bases->function);
		break;
	default: /* DW_EH_PE_textrel, too: its base is known nowhere */
		byte_cursor__fail(cursor);
	}
	return cursor->failed ? 0 : value;
}

uint64_t encoded_pointer__read_size(struct byte_cursor *cursor, uint8_t encoding)
{
	return read_form(cursor, encoding & FORM_MASK);
}

void encoded_pointer__skip(struct byte_cursor *cursor, uint8_t encoding,
			   const struct pointer_bases *bases)
{
	if (encoding == DW_EH_PE_omit)
		return;
	if ((encoding & RELATIVE_MASK) == DW_EH_PE_aligned)
		read_aligned(cursor, bases);
	else
		read_form(cursor, encoding & FORM_MASK);
}
