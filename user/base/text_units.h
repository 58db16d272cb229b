/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Writes figures for people: thousands separators, units, plurals. Texts are returned by value, so
 * that several fit into one printf: text_units__count(n).text lives until the end of the statement.
 */
#ifndef TEXT_UNITS_H
#define TEXT_UNITS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/figure.h"

struct unit_text {
	char text[80];
};

/* 67,108,864 */
struct unit_text text_units__count(uint64_t number);
/* "1 block", "2 blocks", "2 processes": noun is the singular; it takes an s, or es after an s. */
struct unit_text text_units__nouns(uint64_t number, const char *noun);
/* "67,108,864 bytes in 1 block" */
struct unit_text text_units__held(uint64_t bytes, uint64_t blocks);
/* "0", "172 KiB", "64.1 MiB", "unknown" */
struct unit_text text_units__size(figure bytes);
/* For sizes that are never unknown. A size past a figure's range becomes the largest one. */
figure text_units__to_figure(uint64_t number);

/* For columns, in five places and a sign, to three digits: "0", "24B", "172K", "64.0M", "?" */
struct unit_text text_units__short_size(figure bytes);
/* As short, but by thousands: "999", "1.00K", "64.0M" */
struct unit_text text_units__short_count(uint64_t number);

/* "12:34:56", local time; with microseconds "12:34:56.123456" */
struct unit_text text_units__time(const struct timespec *time, bool with_microseconds);
/* "0.13 s", "2 min 5 s", "3 h 10 min", "4 d 2 h" */
struct unit_text text_units__duration(double seconds);
/* "signal 11 (SIGSEGV)" */
struct unit_text text_units__signal(int signal);
/* "SIGSEGV"; "signal 35" for a signal without a name */
struct unit_text text_units__signal_name(int signal);

#endif
