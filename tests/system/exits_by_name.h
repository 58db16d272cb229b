/* SPDX-License-Identifier: GPL-2.0 */
/* The exit records of programs whose PIDs a test does not know. */
#ifndef EXITS_BY_NAME_H
#define EXITS_BY_NAME_H

#include "harness.h"

#define BRIEF_BYTES (10 * 100 + 90) /* held by the victim brief at its end */
#define BRIEF_BLOCKS 10

bool is_exit_of(const json_t *record, const char *comm);
/* The exits of programs (not of forks' copies) by that name; *last is one of them. */
unsigned int count_exits(const struct run *run, const char *comm, json_t **last);
/* Fails the test unless there is exactly one. */
json_t *only_exit(const struct run *run, const char *comm);
/* Asserts that every figure of a run of the victim brief is exact. */
void assert_brief(const json_t *record);

#endif
