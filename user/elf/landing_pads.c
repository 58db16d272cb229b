// SPDX-License-Identifier: GPL-2.0
/*
 * Reads the call-site table of a function's language-specific data, in the form that GCC's and
 * LLVM's C++, C and Rust share (Itanium C++ ABI, Exception Handling Tables). function_returns.c
 * asks; function_ranges.c found the table.
 */
#include "elf/landing_pads.h"

#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>

#include "base/byte_cursor.h"
#include "elf/encoded_pointer.h"

#define HEADER_BYTES 64 /* 41 at most */
#define TABLE_BYTES_MAX (64 << 10) /* allocators' tables have some tens of bytes */

struct call_sites {
	uint64_t base; /* landing pads are relative to it */
	uint64_t offset; /* of the table in the file */
	uint64_t nr_bytes;
	uint8_t encoding;
};

static int read_header(const struct elf_image *image, const struct function_range *range,
		       struct call_sites *sites)
{
	uint8_t bytes[HEADER_BYTES], encoding;
	const struct pointer_bases bases = { .begin = bytes, .address = range->exception_table };
	struct byte_cursor cursor;
	uint64_t offset;
	size_t nr_bytes;
	int err = elf_image__offset_of(image, range->exception_table, false, &offset);

	if (err)
		return err;
	nr_bytes = elf_image__within(image, offset, sizeof(bytes));
	err = elf_image__read(image, offset, bytes, nr_bytes);
	if (err)
		return err;
	cursor = byte_cursor__over(bytes, nr_bytes);
	sites->base = range->address;
	encoding = byte_cursor__byte(&cursor);
	if (encoding != DW_EH_PE_omit)
		sites->base = encoded_pointer__read(&cursor, encoding, &bases);
	if (byte_cursor__byte(&cursor) != DW_EH_PE_omit) /* of the table of types */
		byte_cursor__uleb128(&cursor);
	sites->encoding = byte_cursor__byte(&cursor);
	sites->nr_bytes = byte_cursor__uleb128(&cursor);
	sites->offset = offset + (uint64_t)(cursor.at - bytes);
	if (cursor.failed)
		return -EBADMSG;
	return sites->nr_bytes > TABLE_BYTES_MAX ? -ENOTSUP : 0;
}

static int read_sites(const struct call_sites *sites, struct byte_cursor cursor,
		      int (*found)(uint64_t address, void *context), void *context)
{
	int err = 0;

	while (byte_cursor__left(&cursor) && !err) {
		uint64_t pad;

		encoded_pointer__read_size(&cursor,
					   sites->encoding); /* the calls' begin and size */
		encoded_pointer__read_size(&cursor, sites->encoding);
		pad = encoded_pointer__read_size(&cursor, sites->encoding);
		byte_cursor__uleb128(&cursor); /* the action */
		if (cursor.failed)
			return -EBADMSG;
		if (pad) /* 0: the exception goes on to the caller */
			err = found(sites->base + pad, context);
	}
	return err;
}

int landing_pads__each(const struct elf_image *image, const struct function_range *range,
		       int (*found)(uint64_t address, void *context), void *context)
{
	struct call_sites sites;
	uint8_t *bytes;
	int err;

	if (!range->exception_table)
		return 0;
	err = read_header(image, range, &sites);
	if (err)
		return err;
	bytes = malloc(sites.nr_bytes + 1);
	if (!bytes)
		return -ENOMEM;
	err = elf_image__read(image, sites.offset, bytes, sites.nr_bytes);
	if (!err)
		err = read_sites(&sites, byte_cursor__over(bytes, sites.nr_bytes), found, context);
	free(bytes);
	return err;
}
