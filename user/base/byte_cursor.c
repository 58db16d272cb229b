// SPDX-License-Identifier: GPL-2.0
/*
 * The reads of variable length. A LEB128 number may have ten bytes, padding included, so that none
 * takes long to read.
 */
#include "base/byte_cursor.h"

#define LEB128_LAST_SHIFT 63

uint64_t byte_cursor__uleb128(struct byte_cursor *cursor)
{
	uint64_t value = 0;

	for (unsigned int shift = 0; shift <= LEB128_LAST_SHIFT; shift += 7) {
		uint8_t byte = byte_cursor__byte(cursor);

		if (shift == LEB128_LAST_SHIFT && byte > 1)
			break;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
	byte_cursor__fail(cursor);
	return 0;
}

int64_t byte_cursor__sleb128(struct byte_cursor *cursor)
{
	uint64_t value = 0;

	for (unsigned int shift = 0; shift <= LEB128_LAST_SHIFT; shift += 7) {
		uint8_t byte = byte_cursor__byte(cursor);

		/* One bit of the tenth byte counts; the others must repeat it. */
		if (shift == LEB128_LAST_SHIFT && byte != 0 && byte != 0x7f)
			break;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte & 0x80)
			continue;
		if (byte & 0x40 && shift <= LEB128_LAST_SHIFT - 7)
			value |= UINT64_MAX << (shift + 7);
		return (int64_t)value;
	}
	byte_cursor__fail(cursor);
	return 0;
}

const char *byte_cursor__string(struct byte_cursor *cursor)
{
	const uint8_t *begin = cursor->at;
	const uint8_t *nul = memchr(begin, 0, byte_cursor__left(cursor));

	if (!nul) {
		byte_cursor__fail(cursor);
		return NULL;
	}
	cursor->at = nul + 1;
	return (const char *)begin;
}
