/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How much tables hold. For tests, which reach a limit in seconds when it is low: the environment
 * variable MEMLEAK_BPF_TEST_LIMITS gives others, such as "ended=64,late_ends=64".
 */
#ifndef TABLE_LIMITS_H
#define TABLE_LIMITS_H

#include <stdint.h>

/* The limit of that name: the one that the variable gives, else the usual one. */
uint64_t table_limits__of(const char *name, uint64_t usual);

#endif
