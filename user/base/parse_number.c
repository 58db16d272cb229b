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

/* Not strtod, which takes signs, exponents, "inf", and the locale's comma. */
static bool parse_decimal(const char *text, size_t length, double *number)
{
	size_t whole = 0, i;
	double unit = 1;
	uint64_t digits = 0;

	while (whole < length && isdigit((unsigned char)text[whole]))
		whole++;
	if (whole && !parse_number__whole(text, whole, &digits))
		return false;
	*number = (double)digits;
	if (whole == length)
		return whole > 0;
	if (text[whole] != '.' || whole + 1 == length)
		return false;
	for (i = whole + 1; i < length && isdigit((unsigned char)text[i]); i++) {
		unit /= 10;
		*number += unit * (text[i] - '0');
	}
	return i == length;
}

bool parse_number__decimal(const char *text, double *number)
{
	return parse_decimal(text, strlen(text), number);
}

bool parse_number__seconds(const char *text, double *seconds)
{
	static const struct {
		char suffix;
		double seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 } };
	size_t length = strlen(text);
	double unit = 1;

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]) && length; i++) {
		if (text[length - 1] != units[i].suffix)
			continue;
		unit = units[i].seconds;
		length--;
		break;
	}
	if (!parse_decimal(text, length, seconds))
		return false;
	*seconds *= unit;
	return true;
}
