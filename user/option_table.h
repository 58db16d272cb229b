/* SPDX-License-Identifier: GPL-2.0 */
/* The table of options: the name, the value and the meaning of each. The help is made from it. */
#ifndef OPTION_TABLE_H
#define OPTION_TABLE_H

#include <getopt.h>
#include <stddef.h>
#include <stdio.h>

#include "option_value.h"

/* Letters of options that have none are above. */
#define OPTION_LONG_ONLY 256
#define OPTION_MAX_SECONDS 31536000 /* a year */

/* Row i of the table; NULL behind the last. */
const struct option_entry *option_table__at(size_t i);

/* NULL: no option has that letter. */
const struct option_entry *option_table__find(int letter);

/*
 * The table for getopt_long: '+' stops at the first word that is no option, ':' tells "no value".
 * Both are static.
 */
void option_table__for_getopt(const char **letters, const struct option **names);

void option_table__print_help(FILE *out);

#endif
