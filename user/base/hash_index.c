// SPDX-License-Identifier: GPL-2.0
/* See hash_index.h. Linear probing: at most half of the slots are in use. */
#include "base/hash_index.h"

#include <errno.h>
#include <stdlib.h>

#define MIN_SLOTS 1024

int hash_index__reserve(struct hash_index *index, const void *context, size_t nr)
{
	size_t nr_slots = index->nr_slots ? 2 * index->nr_slots : MIN_SLOTS;
	uint32_t *slots;

	if (2 * (nr + 1) <= index->nr_slots)
		return 0;
	slots = nr < UINT32_MAX ? calloc(nr_slots, sizeof(*slots)) : NULL;
	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++) {
		size_t at = (size_t)index->hash(context, i) & (nr_slots - 1);

		while (slots[at])
			at = (at + 1) & (nr_slots - 1);
		slots[at] = (uint32_t)i + 1;
	}
	free(index->slots);
	index->slots = slots;
	index->nr_slots = nr_slots;
	return 0;
}

uint32_t *hash_index__slot(const struct hash_index *index, const void *context, uint64_t hash,
			   const void *key)
{
	size_t at = (size_t)hash & (index->nr_slots - 1);

	while (index->slots[at] && !index->is_equal(context, index->slots[at] - 1, key))
		at = (at + 1) & (index->nr_slots - 1);
	return &index->slots[at];
}

void hash_index__clear(struct hash_index *index)
{
	free(index->slots);
	index->slots = NULL;
	index->nr_slots = 0;
}
