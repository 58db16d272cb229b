/* SPDX-License-Identifier: GPL-2.0 */
/* Finds the range that covers an address. The table is filled in any order, sorted, then asked. */
#ifndef RANGE_TABLE_H
#define RANGE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct range {
	uint64_t low, high; /* [low, high) */
	uint64_t value; /* the caller's */
};

struct range_table {
	struct range *ranges;
	size_t nr, capacity;
};

/* Returns 0, or -ENOMEM; an empty or inverted range is ignored. */
int range_table__add(struct range_table *table, uint64_t low, uint64_t high, uint64_t value);
void range_table__sort(struct range_table *table);

/* The innermost range that covers the address: the one that begins last. NULL: none does. */
const struct range *range_table__find(const struct range_table *table, uint64_t address);
void range_table__free(struct range_table *table);

#endif
