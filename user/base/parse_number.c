// SPDX-License-Identifier: GPL-2.0
/*
 * Parses numbers as a person writes them on a command line, strictly. libc's parsers let signs,
 * blanks, an overflow and trailing words pass, which are most often mistakes.
 */
#include <ctype.h>
#include <string.h>

#include "base/parse_number.h"

/* Digits only. strtoull would also take a sign, blanks, and text after the number. */
bool parse_number__whole(const char *text, size_t length, uint64_t *number)
{
	*number = 0;
	for (size_t i = 0; i < length; i++) {
		if (!isdigit((unsigned char)text[i]) ||
		    __builtin_mul_overflow(*number, 10, number) ||
		    __builtin_add_overflow(*number, (uint64_t)(text[i] - '0'), number))
			return false;
	}
	return length > 0;
}

bool parse_number__between(const char *text, uint64_t min, uint64_t max, uint64_t *number)
{
	return parse_number__whole(text, strlen(text), number) && *number >= min && *number <= max;
}

bool parse_number__size(const char *text, uint64_t *bytes)
{
	static const char suffixes[] = "KMG";
	size_t length = strlen(text);
	const char *suffix = NULL;
	unsigned int shift = 0;

	if (length)
		suffix = strchr(suffixes, toupper((unsigned char)text[length - 1]));
	if (suffix) {
		length--;
		shift = 10 * (suffix - suffixes + 1);
	}
	if (!parse_number__whole(text, length, bytes) || *bytes > UINT64_MAX >> shift)
		return false;
	*bytes <<= shift;
	return true;
}

/* 5, 0.5 or .5; not strtod, which takes signs, exponents, "inf", and the locale's comma. */
bool parse_number__seconds(const char *text, double *seconds)
{
	size_t whole = strspn(text, "0123456789");
	double unit = 1;
	uint64_t number = 0;

	if (whole && !parse_number__whole(text, whole, &number))
		return false;
	*seconds = (double)number;
	text += whole;
	if (*text == '.') {
		text++;
		if (!isdigit((unsigned char)*text))
			return false;
		for (; isdigit((unsigned char)*text); text++) {
			unit /= 10;
			*seconds += unit * (*text - '0');
		}
	} else if (!whole) {
		return false;
	}
	return *text == '\0';
}
