/* SPDX-License-Identifier: GPL-2.0 */
/* The options that define functions of the user's: --alloc, --free and --definitions. */
#ifndef OPTION_DEFINITIONS_H
#define OPTION_DEFINITIONS_H

#include "option_value.h"

option_apply option_definitions__alloc, option_definitions__free, option_definitions__file;

/*
 * Takes over what the options define, for the search in files. Returns STATUS_OK, or tells in one
 * line what is wrong with a file of definitions and returns STATUS_USAGE.
 */
int option_definitions__take(const struct options *options);

#endif
