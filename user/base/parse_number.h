/* SPDX-License-Identifier: GPL-2.0 */
/* Strict numbers from the command line. Each function tells whether the whole text is one. */
#ifndef PARSE_NUMBER_H
#define PARSE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decimal digits only; whole reads length of them. */
bool parse_number__whole(const char *text, size_t length, uint64_t *number);
bool parse_number__between(const char *text, uint64_t min, uint64_t max, uint64_t *number);

/* 4096, 64K, 1M, 2G: powers of 1024, in either case. */
bool parse_number__size(const char *text, uint64_t *bytes);

/* 5, 0.5 or .5, whatever the locale. */
bool parse_number__decimal(const char *text, double *number);
/* The same, and 90s, 1.5m, 2h. */
bool parse_number__seconds(const char *text, double *seconds);

#endif
