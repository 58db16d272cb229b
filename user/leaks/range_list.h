/* SPDX-License-Identifier: GPL-2.0 */
/* How lists of address ranges are made: filled in any order, then sorted. */
#ifndef RANGE_LIST_H
#define RANGE_LIST_H

#include "leaks/glibc_arenas.h"

/* Returns 0 or -ENOMEM. An empty range is ignored. */
int range_list__add(struct range_list *ranges, uint64_t start, uint64_t end);

/* Sorts, and makes one of those that touch or overlap. */
void range_list__sort(struct range_list *ranges);

void range_list__free(struct range_list *ranges);

#endif
