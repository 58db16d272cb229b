/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The values of a line of JSON: null where a report says "unknown". Builders return an owned value,
 * or NULL when there is no memory. json_pack's "o" takes over its value even when it fails, so a
 * builder only passes on what it made.
 */
#ifndef JSON_VALUE_H
#define JSON_VALUE_H

#include <jansson.h>
#include <stdint.h>
#include <time.h>

#include "base/figure.h"

/* Text of a traced process, made valid UTF-8. */
json_t *json_value__text(const char *text);
json_t *json_value__figure(figure number);
/* For fields in which report.h says that 0 is "unknown". */
json_t *json_value__nonzero(int64_t number);
json_t *json_value__seconds(double seconds);
json_t *json_value__hex(uint64_t number);
/* RFC 3339 in UTC. It has no years of more than four digits: null. */
json_t *json_value__time(const struct timespec *time);
/* INT64_MAX at most: JSON readers, jansson among them, have no larger integers. */
json_int_t json_value__whole(uint64_t number);

/* Takes over value. *array becomes NULL on failure, or when the builder of either had failed. */
void json_value__append(json_t **array, json_t *value);
/*
 * Adds the members of part after those of *line, and takes part over; either may be NULL from a
 * failed builder.
 */
void json_value__join(json_t **line, json_t *part);

#endif
