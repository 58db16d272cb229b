// SPDX-License-Identifier: GPL-2.0
/* See births.h. A hash table with open addressing: there are many blocks, and few sites. */
#include "report/births.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/search.h"

#define MIN_SLOTS 1024 /* a power of 2 */

struct site_births {
	uint64_t serial; /* 0: the slot is free; no address space has it */
	uint64_t stack_id;
	struct birth_sums sums;
};

struct births {
	uint64_t times_ns[BIRTHS_MAX_REPORTS];
	size_t nr_times;
	struct site_births *slots;
	size_t nr_slots; /* a power of 2 */
	size_t nr; /* slots in use: at most half of them */
};

struct births *births__new(const uint64_t *times_ns, size_t nr_times)
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
	births->nr_slots = MIN_SLOTS;
	births->slots = calloc(births->nr_slots, sizeof(*births->slots));
	if (births->slots)
		return births;
	free(births);
	return NULL;
}

void births__free(struct births *births)
{
	if (!births)
		return;
	free(births->slots);
	free(births);
}

/* The slot of the site, or the free one where it belongs. */
static struct site_births *find_slot(struct site_births *slots, size_t nr_slots, uint64_t serial,
				     uint64_t stack_id)
{
	uint64_t hash = (serial ^ (stack_id << 32 | stack_id >> 32)) * 0x9e3779b97f4a7c15ULL;
	size_t i = (size_t)(hash >> 32) & (nr_slots - 1);

	while (slots[i].serial && (slots[i].serial != serial || slots[i].stack_id != stack_id))
		i = (i + 1) & (nr_slots - 1);
	return &slots[i];
}

static int make_room(struct births *births)
{
	size_t nr_slots = 2 * births->nr_slots;
	struct site_births *slots;

	if (2 * (births->nr + 1) <= births->nr_slots)
		return 0;
	slots = calloc(nr_slots, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < births->nr_slots; i++) {
		const struct site_births *site = &births->slots[i];

		if (site->serial)
			*find_slot(slots, nr_slots, site->serial, site->stack_id) = *site;
	}
	free(births->slots);
	births->slots = slots;
	births->nr_slots = nr_slots;
	return 0;
}

int births__add(struct births *births, uint64_t serial, uint64_t stack_id, uint64_t size_bytes,
		uint64_t time_ns)
{
	size_t interval = search__nr_before(births->nr_times, at, births->times_ns[at] < time_ns);
	int err = make_room(births);
	struct site_births *site;

	if (err)
		return err;
	site = find_slot(births->slots, births->nr_slots, serial, stack_id);
	births->nr += !site->serial;
	site->serial = serial;
	site->stack_id = stack_id;
	site->sums.in[interval] += size_bytes;
	return 0;
}

const struct birth_sums *births__find(const struct births *births, uint64_t serial,
				      uint64_t stack_id)
{
	const struct site_births *site =
		find_slot(births->slots, births->nr_slots, serial, stack_id);

	return site->serial ? &site->sums : NULL;
}
