// SPDX-License-Identifier: GPL-2.0
/*
 * Figures in words. Separators are set by hand: printf's depend on the locale, and a report must
 * look the same wherever it is compared.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "text_units.h"

struct unit_text text_units__count(uint64_t number)
{
	struct unit_text count = { "" };
	char digits[24];
	int nr_digits = snprintf(digits, sizeof(digits), "%" PRIu64, number);
	char *end = count.text;

	for (int i = 0; i < nr_digits; i++) {
		if (i > 0 && (nr_digits - i) % 3 == 0)
			*end++ = ',';
		*end++ = digits[i];
	}
	return count;
}

struct unit_text text_units__nouns(uint64_t number, const char *noun)
{
	struct unit_text nouns;

	snprintf(nouns.text, sizeof(nouns.text), "%.26s %.32s%s", text_units__count(number).text,
		 noun, number == 1 ? "" : "s");
	return nouns;
}

struct unit_text text_units__size(figure bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB" };
	const char *const *unit = units;
	struct unit_text size = { "unknown" };
	double number = (double)bytes / 1024;

	if (bytes == FIGURE_UNKNOWN)
		return size;
	if (bytes == 0) {
		strcpy(size.text, "0");
		return size;
	}
	if (bytes > -1024 && bytes < 1024) {
		snprintf(size.text, sizeof(size.text), "%d byte%s", (int)bytes,
			 bytes == 1 ? "" : "s");
		return size;
	}
	/* What would round to 1024.0 of a unit is 1.0 of the next. */
	while (unit < units + 4 && (number >= 1023.95 || number <= -1023.95)) {
		number /= 1024;
		unit++;
	}
	/* Pages make whole KiB; a decimal there would be noise. */
	snprintf(size.text, sizeof(size.text), "%.*f %s",
		 unit == units && bytes % 1024 == 0 ? 0 : 1, number, *unit);
	return size;
}

struct unit_text text_units__duration(double seconds)
{
	struct unit_text duration;
	/* Bounded, since a double past an integer's range has no defined conversion. */
	unsigned long long whole = (unsigned long long)(seconds < 1e15 ? seconds + 0.05 : 1e15);

	/* The shorter, the more decimals. */
	if (seconds < 0.0995)
		snprintf(duration.text, sizeof(duration.text), "%.3f s", seconds);
	else if (seconds < 9.995)
		snprintf(duration.text, sizeof(duration.text), "%.2f s", seconds);
	else if (seconds < 59.95)
		snprintf(duration.text, sizeof(duration.text), "%.1f s", seconds);
	else if (whole < 3600)
		snprintf(duration.text, sizeof(duration.text), "%llu min %llu s", whole / 60,
			 whole % 60);
	else if (whole < 86400)
		snprintf(duration.text, sizeof(duration.text), "%llu h %llu min", whole / 3600,
			 whole / 60 % 60);
	else
		snprintf(duration.text, sizeof(duration.text), "%llu d %llu h", whole / 86400,
			 whole / 3600 % 24);
	return duration;
}

struct unit_text text_units__signal(int signal)
{
	struct unit_text text;
	const char *name = sigabbrev_np(signal);

	if (name)
		snprintf(text.text, sizeof(text.text), "signal %d (SIG%s)", signal, name);
	else
		snprintf(text.text, sizeof(text.text), "signal %d", signal);
	return text;
}
