// SPDX-License-Identifier: GPL-2.0
/* Address ranges: glibc_arenas.c and what walks the heaps for it add them, the leak scan reads. */
#include <stdlib.h>

#include "base/array.h"
#include "leaks/range_list.h"

int range_list__add(struct range_list *ranges, uint64_t start, uint64_t end)
{
	int err;

	if (start >= end)
		return 0;
	err = array__reserve(&ranges->list, &ranges->capacity, ranges->nr + 1);
	if (!err)
		ranges->list[ranges->nr++] = (struct address_range){ start, end };
	return err;
}

static int by_start(const void *a, const void *b)
{
	const struct address_range *first = a, *second = b;

	return (first->start > second->start) - (first->start < second->start);
}

void range_list__sort(struct range_list *ranges)
{
	size_t nr = 0;

	if (!ranges->nr)
		return;
	qsort(ranges->list, ranges->nr, sizeof(*ranges->list), by_start);
	for (size_t i = 1; i < ranges->nr; i++) {
		struct address_range *last = &ranges->list[nr];

		if (ranges->list[i].start > last->end)
			ranges->list[++nr] = ranges->list[i];
		else if (ranges->list[i].end > last->end)
			last->end = ranges->list[i].end;
	}
	ranges->nr = nr + 1;
}

void range_list__free(struct range_list *ranges)
{
	free(ranges->list);
	*ranges = (struct range_list){ 0 };
}
