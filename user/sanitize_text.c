// SPDX-License-Identifier: GPL-2.0
/*
 * Makes hostile strings printable. One decoder cuts a string into characters; the verbs differ in
 * what they put in place of a character that can't be shown.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sanitize_text.h"

#define REPLACEMENT "\xef\xbf\xbd"

struct character {
	unsigned int nr_bytes; /* 1 for an invalid byte */
	bool valid;
	uint32_t code;
};

/*
 * The lead bytes of UTF-8 (RFC 3629). The second byte's range is what keeps out overlong forms,
 * surrogates and codes past U+10FFFF; every later byte is 80 to BF.
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

/* Characters that don't show but change how others do: what is read is not what is there. */
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

/* What a terminal gets for one character: its own bytes, or an escape in ASCII. */
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

/* Prints unless out is NULL; returns the columns. */
static size_t walk(FILE *out, const char *text)
{
	size_t columns = 0;

	for (const char *at = text ? text : "?"; *at;) {
		struct character character = decode(at);
		struct shown shown = show(at, character);

		if (out)
			fwrite(shown.bytes, 1, shown.length, out);
		columns += shown.columns;
		at += character.nr_bytes;
	}
	return columns;
}

size_t sanitize_text__print(FILE *out, const char *text)
{
	return walk(out, text);
}

size_t sanitize_text__columns(const char *text)
{
	return walk(NULL, text);
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
