// SPDX-License-Identifier: GPL-2.0
/*
 * An open-addressing table from file offset to a run of frames in one array. The symbolizer writes
 * and reads it.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

#include "names/frame_cache.h"

#define MAX_FRAMES (1u << 22)

struct slot {
	uint64_t offset;
	uint32_t first;
	uint32_t nr; /* 0: free */
};

struct frame_cache {
	struct slot *slots;
	size_t nr_slots, capacity; /* capacity is a power of two, or 0 */
	struct line_frame *frames;
	size_t nr_frames, frames_capacity;
};

struct frame_cache *frame_cache__new(void)
{
	return calloc(1, sizeof(struct frame_cache));
}

void frame_cache__free(struct frame_cache *cache)
{
	if (!cache)
		return;
	free(cache->slots);
	free(cache->frames);
	free(cache);
}

void frame_cache__clear(struct frame_cache *cache)
{
	free(cache->slots);
	free(cache->frames);
	*cache = (struct frame_cache){ 0 };
}

static struct slot *find_slot(struct slot *slots, size_t capacity, uint64_t offset)
{
	size_t i = (offset * 0x9e3779b97f4a7c15 >> 32) & (capacity - 1);

	while (slots[i].nr && slots[i].offset != offset)
		i = (i + 1) & (capacity - 1);
	return &slots[i];
}

unsigned int frame_cache__find(const struct frame_cache *cache, uint64_t offset,
			       const struct line_frame **frames)
{
	const struct slot *slot;

	if (!cache->capacity)
		return 0;
	slot = find_slot(cache->slots, cache->capacity, offset);
	*frames = &cache->frames[slot->first];
	return slot->nr;
}

static int grow_slots(struct frame_cache *cache)
{
	size_t capacity = cache->capacity ? cache->capacity * 2 : 64;
	struct slot *slots = calloc(capacity, sizeof(*slots));

	if (!slots)
		return -1;
	for (size_t i = 0; i < cache->capacity; i++) {
		if (cache->slots[i].nr)
			*find_slot(slots, capacity, cache->slots[i].offset) = cache->slots[i];
	}
	free(cache->slots);
	cache->slots = slots;
	cache->capacity = capacity;
	return 0;
}

void frame_cache__add(struct frame_cache *cache, uint64_t offset, const struct line_frame *frames,
		      unsigned int nr)
{
	struct slot *slot;

	if (!nr || cache->nr_frames + nr > MAX_FRAMES)
		return;
	if (cache->nr_slots >= cache->capacity / 4 * 3 && grow_slots(cache))
		return;
	if (array__reserve(&cache->frames, &cache->frames_capacity, cache->nr_frames + nr))
		return;
	slot = find_slot(cache->slots, cache->capacity, offset);
	if (slot->nr)
		return;
	*slot = (struct slot){ offset, cache->nr_frames, nr };
	memcpy(&cache->frames[cache->nr_frames], frames, nr * sizeof(*frames));
	cache->nr_frames += nr;
	cache->nr_slots++;
}
