/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The options of leak checks: their values, and what they need of the other options. A leak check
 * that was asked for and does not happen would look like one that found nothing, so whatever keeps
 * one from happening is refused.
 */
#ifndef OPTION_LEAKS_H
#define OPTION_LEAKS_H

#include "option_value.h"

/* The words that --leak-check chooses from, for help and errors. */
#define LEAK_CHECKS "no, summary, full or yes"

option_apply option_leaks__check, option_leaks__generate, option_leaks__exit_code;
option_apply option_leaks__suppressions, option_leaks__xml, option_leaks__fail_on;
option_apply option_leaks__kinds, option_leaks__error_kinds; /* these set the entry's field */
option_apply option_leaks__heuristics;

/* The values that hold without an option. */
void option_leaks__set_defaults(struct options *options);

/*
 * Checks these options against all others, when the mode is known, and completes them. Returns 0 or
 * -EINVAL.
 */
int option_leaks__complete(struct option_parser *parser);

/* INTERVAL 0 where it means nothing. Returns -EINVAL. */
int option_leaks__refuse_zero(struct option_parser *parser);

#endif
