/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Figures in words for people: thousands separators, units, plurals. Returned by value, so that
 * several fit into one printf: text_units__count(n).text lives until the end of the statement.
 */
#ifndef TEXT_UNITS_H
#define TEXT_UNITS_H

#include "report.h"

struct unit_text {
	char text[64];
};

/* 67,108,864 */
struct unit_text text_units__count(uint64_t number);
/* "1 block", "2 blocks": noun is the singular, which takes an s. */
struct unit_text text_units__nouns(uint64_t number, const char *noun);
/* "0", "172 KiB", "64.1 MiB", "unknown" */
struct unit_text text_units__size(figure bytes);
/* "0.13 s", "2 min 5 s", "3 h 10 min", "4 d 2 h" */
struct unit_text text_units__duration(double seconds);
/* "signal 11 (SIGSEGV)" */
struct unit_text text_units__signal(int signal);

#endif
