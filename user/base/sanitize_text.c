// SPDX-License-Identifier: GPL-2.0
/*
 * Makes hostile strings printable. One decoder cuts a string into characters; the functions differ
 * in the replacement for a character that can't be shown.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/sanitize_text.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

struct character {
	unsigned int nr_bytes; /* 1 for an invalid byte */
	bool valid;
	uint32_t code;
};

/*
 * The lead bytes of UTF-8 (RFC 3629). The second byte's range keeps out overlong forms, surrogates
 * and codes past U+10FFFF; every later byte is 80 to BF.
 */
static const struct lead {
	unsigned char first, last, second_min, second_max, nr_bytes;
} leads[] = {
	{ 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
	{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
	{ 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

/* Never reads past the terminating NUL: a continuation byte is never 0. */
static struct character decode(const char *text)
{
	const unsigned char *bytes = (const unsigned char *)text;
	struct character invalid = { .nr_bytes = 1, .code = bytes[0] };
	struct character character = { .nr_bytes = 1, .valid = true, .code = bytes[0] };
	const struct lead *lead = leads;

	if (bytes[0] < 0x80)
		return character;
	while (lead < leads + sizeof(leads) / sizeof(leads[0]) &&
	       (bytes[0] < lead->first || bytes[0] > lead->last))
		lead++;
	if (lead == leads + sizeof(leads) / sizeof(leads[0]))
		return invalid;
	if (bytes[1] < lead->second_min || bytes[1] > lead->second_max)
		return invalid;

	character.nr_bytes = lead->nr_bytes;
	character.code = bytes[0] & (0xff >> (lead->nr_bytes + 1));
	for (unsigned int i = 1; i < lead->nr_bytes; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return invalid;
		character.code = character.code << 6 | (bytes[i] & 0x3f);
	}
	return character;
}

/* Characters that don't show but change how others do: the text reads as another one. */
static bool changes_reading(uint32_t code)
{
	return code == 0x061c || (code >= 0x200b && code <= 0x200f) ||
	       (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) ||
	       code == 0xfeff;
}

static bool is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

/*
 * A terminal shows the blocks of East Asian scripts and of pictographs two columns wide. Some
 * characters in them are narrow: a text is then taken for wider than it is, never for narrower.
 * wcwidth is not used, since it goes by the locale.
 */
static bool is_wide(uint32_t code)
{
	static const struct {
		uint32_t first, last;
	} blocks[] = {
		{ 0x1100, 0x115f },   { 0x231a, 0x23ff },   { 0x25fd, 0x27bf },
		{ 0x2b1b, 0x2b55 },   { 0x2e80, 0xa4cf },   { 0xa960, 0xa97f },
		{ 0xac00, 0xd7a3 },   { 0xf900, 0xfaff },   { 0xfe10, 0xfe6f },
		{ 0xff00, 0xff60 },   { 0xffe0, 0xffe6 },   { 0x16fe0, 0x18dff },
		{ 0x1aff0, 0x1b2ff }, { 0x1d300, 0x1d37f }, { 0x1f000, 0x1faff },
		{ 0x20000, 0x3fffd },
	};

	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		if (code >= blocks[i].first && code <= blocks[i].last)
			return true;
	}
	return false;
}

/* One character's text for a terminal: its own bytes, or an escape in ASCII. */
struct shown {
	char bytes[8];
	unsigned int length, columns;
};

static struct shown show(const char *text, struct character character)
{
	static const unsigned char letters[0x20] = {
		['\n'] = 'n', ['\t'] = 't', ['\r'] = 'r', [0x1b] = 'e'
	};
	struct shown shown = { .length = character.nr_bytes, .columns = 1 };
	uint32_t code = character.code;
	const char *format = "\\x%02x";

	if (character.valid && !is_control(code) && !changes_reading(code)) {
		memcpy(shown.bytes, text, character.nr_bytes);
		shown.columns = is_wide(code) ? 2 : 1;
		return shown;
	}
	if (code < sizeof(letters) && letters[code]) {
		format = "\\%c";
		code = letters[code];
	} else if (character.nr_bytes > 1) {
		/* U+009B alone starts a terminal escape, as ESC [ does. */
		format = "\\u%04x";
	}
	shown.length = snprintf(shown.bytes, sizeof(shown.bytes), format, code);
	shown.columns = shown.length;
	return shown;
}

/* Prints as much as fits into room columns, or only counts if out is NULL. Returns columns. */
static size_t walk(FILE *out, const char *text, size_t room)
{
	size_t columns = 0;

	for (const char *at = text ? text : "?"; *at;) {
		struct character character = decode(at);
		struct shown shown = show(at, character);

		if (shown.columns > room - columns)
			break;
		if (out)
			fwrite(shown.bytes, 1, shown.length, out);
		columns += shown.columns;
		at += character.nr_bytes;
	}
	return columns;
}

static size_t walk_cut(FILE *out, const char *text, size_t room)
{
	size_t columns;

	if (!room || walk(NULL, text, SIZE_MAX) <= room)
		return walk(out, text, room);
	columns = walk(out, text, room - 1);
	if (out)
		fputc('+', out);
	return columns + 1;
}

size_t sanitize_text__print(FILE *out, const char *text)
{
	return walk(out, text, SIZE_MAX);
}

size_t sanitize_text__columns(const char *text)
{
	return walk(NULL, text, SIZE_MAX);
}

size_t sanitize_text__print_cut(FILE *out, const char *text, size_t room)
{
	return walk_cut(out, text, room);
}

size_t sanitize_text__columns_cut(const char *text, size_t room)
{
	return walk_cut(NULL, text, room);
}

size_t sanitize_text__copy(char *buffer, size_t size, const char *text)
{
	size_t needed = 0, written = 0;

	for (const char *at = text ? text : "?"; *at;) {
		struct character character = decode(at);
		struct shown shown = show(at, character);

		if (written == needed && needed + shown.length < size) {
			memcpy(buffer + written, shown.bytes, shown.length);
			written += shown.length;
		}
		needed += shown.length;
		at += character.nr_bytes;
	}
	if (size)
		buffer[written] = '\0';
	return needed;
}

char *sanitize_text__utf8(const char *text)
{
	size_t length = strlen(text);
	char *copy, *end;

	if (length > (SIZE_MAX - 1) / strlen(REPLACEMENT))
		return NULL;
	copy = malloc(length * strlen(REPLACEMENT) + 1);
	if (!copy)
		return NULL;

	end = copy;
	while (*text) {
		struct character character = decode(text);
		const char *bytes = character.valid ? text : REPLACEMENT;
		unsigned int nr_bytes = character.valid ? character.nr_bytes : strlen(REPLACEMENT);

		memcpy(end, bytes, nr_bytes);
		end += nr_bytes;
		text += character.nr_bytes;
	}
	*end = '\0';
	return copy;
}

unsigned int sanitize_text__first(const char *text, uint32_t *code)
{
	struct character character = decode(text);

	*code = character.valid ? character.code : 0xfffd;
	return character.nr_bytes;
}
