/* SPDX-License-Identifier: GPL-2.0 */
/* The victim forks: processes that free blocks which they have from their ancestors. */
#ifndef FAMILY_H
#define FAMILY_H

#include "harness.h"

/*
 * Compares what each process of the family printed of itself with what run, the tracer's, says of
 * it.
 */
void compare_family(const struct run *victim_run, const struct run *run, unsigned int nr_processes);

#endif
