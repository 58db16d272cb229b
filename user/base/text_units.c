// SPDX-License-Identifier: GPL-2.0
/*
 * Figures as text. Separators are set here: printf's depend on the locale, and a report must look
 * the same wherever it is compared.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text_units.h"

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
	size_t length = strlen(noun);
	const char *plural = length && noun[length - 1] == 's' ? "es" : "s";

	snprintf(nouns.text, sizeof(nouns.text), "%.26s %.32s%s", text_units__count(number).text,
		 noun, number == 1 ? "" : plural);
	return nouns;
}

struct unit_text text_units__held(uint64_t bytes, uint64_t blocks)
{
	struct unit_text held;

	snprintf(held.text, sizeof(held.text), "%.32s in %.33s",
		 text_units__nouns(bytes, "byte").text, text_units__nouns(blocks, "block").text);
	return held;
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
	/* A number that would round to 1024.0 of a unit becomes 1.0 of the next. */
	while (unit < units + 4 && (number >= 1023.95 || number <= -1023.95)) {
		number /= 1024;
		unit++;
	}
	/* Pages make whole KiB; a decimal there would be noise. */
	snprintf(size.text, sizeof(size.text), "%.*f %s",
		 unit == units && bytes % 1024 == 0 ? 0 : 1, number, *unit);
	return size;
}

figure text_units__to_figure(uint64_t number)
{
	return number > INT64_MAX ? INT64_MAX : (figure)number;
}

/* To three or four digits, cut off, not rounded: a figure after ">=" must not be too high. */
static struct unit_text scale(bool negative, uint64_t number, unsigned int base, const char *units)
{
	const char *sign = negative ? "-" : "";
	struct unit_text scaled;
	uint64_t unit = base;
	unsigned int whole, hundredths;

	for (; units[1] && number / unit >= base; units++)
		unit *= base;
	whole = (unsigned int)(number / unit);
	hundredths = (unsigned int)((unsigned __int128)(number % unit) * 100 / unit);
	if (whole < 10)
		snprintf(scaled.text, sizeof(scaled.text), "%s%u.%02u%c", sign, whole, hundredths,
			 *units);
	else if (whole < 100)
		snprintf(scaled.text, sizeof(scaled.text), "%s%u.%u%c", sign, whole,
			 hundredths / 10, *units);
	else
		snprintf(scaled.text, sizeof(scaled.text), "%s%u%c", sign, whole, *units);
	return scaled;
}

struct unit_text text_units__short_size(figure bytes)
{
	struct unit_text size = { "?" };

	if (bytes == FIGURE_UNKNOWN)
		return size;
	if (bytes == 0)
		strcpy(size.text, "0");
	else if (bytes > -1024 && bytes < 1024)
		snprintf(size.text, sizeof(size.text), "%dB", (int)bytes);
	else if (bytes > -1024 * 1024 && bytes < 1024 * 1024 && bytes % 1024 == 0)
		snprintf(size.text, sizeof(size.text), "%dK", (int)bytes / 1024);
	else
		size = scale(bytes < 0, (uint64_t)(bytes < 0 ? -bytes : bytes), 1024, "KMGTPE");
	return size;
}

struct unit_text text_units__short_count(uint64_t number)
{
	return number < 1000 ? text_units__count(number) : scale(false, number, 1000, "KMGTPE");
}

struct unit_text text_units__time(const struct timespec *time, bool with_microseconds)
{
	struct unit_text text;
	struct tm local = { 0 };
	int length;

	localtime_r(&time->tv_sec, &local);
	length = snprintf(text.text, sizeof(text.text), "%02d:%02d:%02d", local.tm_hour,
			  local.tm_min, local.tm_sec);
	if (with_microseconds)
		snprintf(text.text + length, sizeof(text.text) - (size_t)length, ".%06ld",
			 time->tv_nsec / 1000);
	return text;
}

struct unit_text text_units__duration(double seconds)
{
	struct unit_text duration;
	/* Bounded, since a double past an integer's range has no defined conversion. */
	unsigned long long whole = (unsigned long long)(seconds < 1e15 ? seconds + 0.05 : 1e15);

	/* A shorter duration gets more decimals. */
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

struct unit_text text_units__signal_name(int signal)
{
	struct unit_text text;
	const char *name = sigabbrev_np(signal);

	if (name)
		snprintf(text.text, sizeof(text.text), "SIG%s", name);
	else
		snprintf(text.text, sizeof(text.text), "signal %d", signal);
	return text;
}

struct unit_text text_units__signal(int signal)
{
	struct unit_text text = text_units__signal_name(signal);

	if (sigabbrev_np(signal))
		snprintf(text.text, sizeof(text.text), "signal %d (SIG%s)", signal,
			 sigabbrev_np(signal));
	return text;
}
