/* SPDX-License-Identifier: GPL-2.0 */
/* The stacks that a program allocates on, as gdb sees them. */
#ifndef GDB_STACKS_H
#define GDB_STACKS_H

#include "harness.h"
#include "stack_set.h"

/*
 * Runs the program with its arguments, folder and environment, with output to /dev/null and without
 * address randomization, and stops it at each call of its allocator. Each stack has at most as many
 * frames as the tracer keeps.
 */
void gdb_stacks__list(struct stack_set *set, const struct child_options *program);

#endif
