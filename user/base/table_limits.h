/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The limits of the tracer's tables and the periods of its upkeep. Tests set low ones, which they
 * reach in seconds, in the environment variable MEMLEAK_BPF_TEST_LIMITS: "ended=64,late_ends=64".
 */
#ifndef TABLE_LIMITS_H
#define TABLE_LIMITS_H

#include <stdint.h>

/* The limit of that name: the variable's, or the usual one if the variable gives none or 0. */
uint64_t table_limits__of(const char *name, uint64_t usual);

#endif
