// SPDX-License-Identifier: GPL-2.0
/*
 * A sorted array of ranges. They should not overlap but may: they come from DWARF, where functions
 * that the linker dropped keep false addresses.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/range_table.h"
#include "base/search.h"

#define MAX_RANGES (64u << 20)
/* How many ranges, from the nearest one back, are asked whether they cover the address. */
#define MAX_STEPS_BACK 64

int range_table__add(struct range_table *table, uint64_t low, uint64_t high, uint64_t value)
{
	if (low >= high)
		return 0;
	if (table->nr == MAX_RANGES ||
	    array__reserve(&table->ranges, &table->capacity, table->nr + 1))
		return -ENOMEM;
	table->ranges[table->nr++] = (struct range){ low, high, value };
	return 0;
}

static int compare_ranges(const void *left, const void *right)
{
	const struct range *a = left, *b = right;

	if (a->low != b->low)
		return a->low < b->low ? -1 : 1;
	/* The shorter of two ranges that begin together comes last, and is found first. */
	return a->high > b->high ? -1 : a->high < b->high;
}

void range_table__sort(struct range_table *table)
{
	if (table->nr)
		qsort(table->ranges, table->nr, sizeof(*table->ranges), compare_ranges);
}

const struct range *range_table__find(const struct range_table *table, uint64_t address)
{
	size_t nr = search__nr_before(table->nr, at, table->ranges[at].low <= address);

	for (size_t step = 0; step < MAX_STEPS_BACK && step < nr; step++) {
		const struct range *range = &table->ranges[nr - 1 - step];

		if (address < range->high)
			return range;
	}
	return NULL;
}

void range_table__free(struct range_table *table)
{
	free(table->ranges);
	*table = (struct range_table){ 0 };
}
