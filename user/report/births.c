// SPDX-License-Identifier: GPL-2.0
/* See births.h. There are many blocks, and few sites. */
#include "report/births.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/hash_index.h"
#include "base/search.h"

struct site_births {
	uint64_t serial;
	uint64_t stack_id;
	struct birth_sums sums;
};

struct births {
	uint64_t times_ns[BIRTHS_MAX_REPORTS];
	size_t nr_times;
	uint64_t now_ns;
	struct site_births *sites;
	size_t nr, capacity;
	struct hash_index index; /* of sites */
};

static uint64_t hash_site(const void *context, size_t entry)
{
	const struct site_births *site = &((const struct births *)context)->sites[entry];

	return hash_index__mix(hash_index__mix(0, site->serial), site->stack_id);
}

static bool is_site(const void *context, size_t entry, const void *key)
{
	const struct site_births *site = &((const struct births *)context)->sites[entry];
	const struct site_births *wanted = key;

	return site->serial == wanted->serial && site->stack_id == wanted->stack_id;
}

struct births *births__new(const uint64_t *times_ns, size_t nr_times, uint64_t now_ns)
{
	struct births *births;

	if (nr_times > BIRTHS_MAX_REPORTS)
		return NULL;
	births = calloc(1, sizeof(*births));
	if (!births)
		return NULL;
	if (nr_times)
		memcpy(births->times_ns, times_ns, nr_times * sizeof(*times_ns));
	births->nr_times = nr_times;
	births->now_ns = now_ns;
	births->index.hash = hash_site;
	births->index.is_equal = is_site;
	return births;
}

void births__free(struct births *births)
{
	if (!births)
		return;
	hash_index__clear(&births->index);
	free(births->sites);
	free(births);
}

static uint32_t *slot_of(const struct births *births, const struct site_births *site)
{
	uint64_t hash = hash_index__mix(hash_index__mix(0, site->serial), site->stack_id);

	return hash_index__slot(&births->index, births, hash, site);
}

int births__add(struct births *births, uint64_t serial, uint64_t stack_id, uint64_t size_bytes,
		uint64_t time_ns)
{
	const struct site_births site = { .serial = serial, .stack_id = stack_id };
	size_t interval = search__nr_before(births->nr_times, at, births->times_ns[at] < time_ns);
	uint32_t *slot;

	if (time_ns > births->now_ns)
		return 0;
	if (hash_index__reserve(&births->index, births, births->nr) ||
	    array__reserve(&births->sites, &births->capacity, births->nr + 1))
		return -ENOMEM;
	slot = slot_of(births, &site);
	if (!*slot) {
		births->sites[births->nr++] = site;
		*slot = (uint32_t)births->nr;
	}
	births->sites[*slot - 1].sums.in[interval] += size_bytes;
	return 0;
}

const struct birth_sums *births__find(const struct births *births, uint64_t serial,
				      uint64_t stack_id)
{
	const struct site_births site = { .serial = serial, .stack_id = stack_id };
	uint32_t slot = births->nr ? *slot_of(births, &site) : 0;

	return slot ? &births->sites[slot - 1].sums : NULL;
}
