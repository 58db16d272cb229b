/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads numbers from bytes that may be hostile. A read past the end yields 0, marks the cursor as
 * failed and leaves it at the end, so that a caller may check once, after all its reads. Bytes are
 * little-endian, as is every machine that this runs on.
 */
#ifndef BYTE_CURSOR_H
#define BYTE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct byte_cursor {
	const uint8_t *at;
	const uint8_t *end;
	bool failed;
};

static inline struct byte_cursor byte_cursor__over(const uint8_t *bytes, size_t nr_bytes)
{
	return (struct byte_cursor){ .at = bytes, .end = bytes + nr_bytes };
}

static inline size_t byte_cursor__left(const struct byte_cursor *cursor)
{
	return (size_t)(cursor->end - cursor->at);
}

static inline void byte_cursor__fail(struct byte_cursor *cursor)
{
	cursor->failed = true;
	cursor->at = cursor->end;
}

/* Returns the next bytes and moves past them. NULL when fewer are left. */
static inline const uint8_t *byte_cursor__take(struct byte_cursor *cursor, uint64_t nr_bytes)
{
	const uint8_t *taken = cursor->at;

	if (nr_bytes > byte_cursor__left(cursor)) {
		byte_cursor__fail(cursor);
		return NULL;
	}
	cursor->at += nr_bytes;
	return taken;
}

/* 1, 2, 4 or 8 bytes, which need not be aligned. */
static inline uint64_t byte_cursor__unsigned(struct byte_cursor *cursor, size_t width)
{
	const uint8_t *taken = byte_cursor__take(cursor, width);
	uint64_t value = 0;

	if (taken)
		memcpy(&value, taken, width);
	return value;
}

static inline int64_t byte_cursor__signed(struct byte_cursor *cursor, size_t width)
{
	uint64_t value = byte_cursor__unsigned(cursor, width);

	switch (width) {
	case 1:
		return (int8_t)value;
	case 2:
		return (int16_t)value;
	case 4:
		return (int32_t)value;
	default:
		return (int64_t)value;
	}
}

static inline uint8_t byte_cursor__byte(struct byte_cursor *cursor)
{
	const uint8_t *taken = byte_cursor__take(cursor, 1);

	return taken ? *taken : 0;
}

/* LEB128 (DWARF 5, section 7.6). A number that does not fit 64 bits fails the cursor. */
uint64_t byte_cursor__uleb128(struct byte_cursor *cursor);
int64_t byte_cursor__sleb128(struct byte_cursor *cursor);

/* A string that ends with NUL; NULL when no NUL is left. */
const char *byte_cursor__string(struct byte_cursor *cursor);

#endif
