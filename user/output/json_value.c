// SPDX-License-Identifier: GPL-2.0
/* See json_value.h. */
#include "output/json_value.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/sanitize_text.h"

json_t *json_value__text(const char *text)
{
	char *valid;
	json_t *string;

	if (!text)
		return json_null();
	valid = sanitize_text__utf8(text);
	if (!valid)
		return NULL;
	string = json_string(valid);
	free(valid);
	return string;
}

json_int_t json_value__whole(uint64_t number)
{
	return number > INT64_MAX ? INT64_MAX : (json_int_t)number;
}

json_t *json_value__figure(figure number)
{
	return number == FIGURE_UNKNOWN ? json_null() : json_integer(number);
}

json_t *json_value__nonzero(int64_t number)
{
	return number ? json_integer(number) : json_null();
}

json_t *json_value__seconds(double seconds)
{
	return isfinite(seconds) && seconds >= 0 ? json_real(seconds) : json_null();
}

json_t *json_value__hex(uint64_t number)
{
	return json_sprintf("0x%" PRIx64, number);
}

json_t *json_value__time(const struct timespec *time)
{
	struct tm utc;

	if (!gmtime_r(&time->tv_sec, &utc) || utc.tm_year < -1900 || utc.tm_year > 9999 - 1900)
		return json_null();
	return json_sprintf("%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", utc.tm_year + 1900,
			    utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
			    (int)(time->tv_nsec / 1000000));
}

void json_value__append(json_t **array, json_t *value)
{
	if (json_array_append_new(*array, value)) {
		json_decref(*array);
		*array = NULL;
	}
}

void json_value__join(json_t **line, json_t *part)
{
	if (!*line || !part || json_object_update(*line, part)) {
		json_decref(*line);
		*line = NULL;
	}
	json_decref(part);
}
