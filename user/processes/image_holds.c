// SPDX-License-Identifier: GPL-2.0
/* See image_holds.h. Owned by processes.c, filled by monitor_holds.c, read for reports. */
#include "processes/image_holds.h"

#include <stdlib.h>

#include "base/array.h"

int image_holds__add(struct image_holds *holds, uint64_t from_ns, uint64_t address)
{
	int err = array__reserve(&holds->list, &holds->capacity, holds->nr + 1);

	if (err)
		return err;
	holds->list[holds->nr++] = (struct image_hold){ .from_ns = from_ns, .address = address };
	return 0;
}

bool image_holds__has(const struct image_holds *holds, uint64_t from_ns)
{
	for (size_t i = 0; i < holds->nr; i++)
		if (holds->list[i].from_ns == from_ns)
			return true;
	return false;
}

void image_holds__end(struct image_holds *holds, uint64_t from_ns, uint64_t until_ns)
{
	for (size_t i = 0; i < holds->nr; i++)
		if (holds->list[i].from_ns == from_ns)
			holds->list[i].until_ns = until_ns;
}

void image_holds__copy(struct image_holds *copy, const struct image_holds *holds)
{
	if (!holds->nr || array__reserve(&copy->list, &copy->capacity, holds->nr))
		return;
	for (size_t i = 0; i < holds->nr; i++)
		copy->list[i] = holds->list[i];
	copy->nr = holds->nr;
}

void image_holds__free(struct image_holds *holds)
{
	free(holds->list);
	*holds = (struct image_holds){ 0 };
}

/* Mappings of a program that are older than the hold at its exec are made by that exec. */
static bool is_for(const struct image_hold *hold, const struct mapping *map)
{
	if (!map->since_ns || map->since_ns > hold->from_ns)
		return false;
	return !hold->address || (hold->address >= map->start && hold->address < map->end);
}

uint64_t image_holds__unused_until(const struct image_holds *holds, const struct mapping *map)
{
	for (size_t i = 0; i < holds->nr; i++)
		if (is_for(&holds->list[i], map))
			return holds->list[i].until_ns ? holds->list[i].until_ns : UINT64_MAX;
	return map->since_ns;
}

uint64_t image_holds__sum_ns(const struct image_holds *holds, uint64_t since_ns, uint64_t end_ns)
{
	uint64_t sum_ns = 0;

	for (size_t i = 0; i < holds->nr; i++) {
		const struct image_hold *hold = &holds->list[i];
		uint64_t until_ns = hold->until_ns ? hold->until_ns : end_ns;

		if (hold->from_ns >= since_ns && until_ns > hold->from_ns)
			sum_ns += until_ns - hold->from_ns;
	}
	return sum_ns;
}
