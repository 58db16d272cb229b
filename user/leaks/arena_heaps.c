// SPDX-License-Identifier: GPL-2.0
/*
 * From the arenas that arena_list.c found to segments for chunk_walk.c. The source of the layouts
 * is glibc's malloc/arena.c (struct heap_info, new_heap) and sysmalloc() in malloc/malloc.c.
 */
#include <stdlib.h>

#include "base/array.h"
#include "leaks/arena_heaps.h"
#include "leaks/range_list.h"

/* HEAP_MAX_SIZE. With huge pages by a tunable it is another, and such heaps are left out. */
#define HEAP_MAX_BYTES ((uint64_t)64 << 20)
#define PAGE_BYTES 4096U
/* 4 TiB of heaps. */
#define MAX_HEAPS 65536
/* Programs split areas by mprotect() and madvise(), but not without end. */
#define MAX_AREAS_CROSSED 65536

/* The first words of struct heap_info. */
struct heap_info {
	uint64_t arena, previous, bytes;
};

bool heap_list__is_anonymous(const struct process_areas *areas, uint64_t start, uint64_t end)
{
	const struct area *area = process_areas__find(areas, start);
	const struct area *past = areas->list + areas->nr;
	uint64_t covered = start;

	for (size_t i = 0; area && area < past && i < MAX_AREAS_CROSSED; area++, i++) {
		if (area->kind != AREA_ANONYMOUS || !area->readable ||
		    (covered > start && area->start != covered))
			return false;
		covered = area->end;
		if (covered >= end)
			return true;
	}
	return false;
}

/* The areas of kind [heap] that lie around the address, side by side. */
static bool find_brk_heap(const struct process_areas *areas, uint64_t address,
			  struct address_range *heap)
{
	*heap = (struct address_range){ 0 };
	for (size_t i = 0; i < areas->nr; i++) {
		const struct area *area = &areas->list[i];

		if (area->kind != AREA_HEAP)
			continue;
		if (area->start != heap->end) {
			if (heap->end > address)
				break;
			heap->start = area->start;
		}
		heap->end = area->end;
	}
	return heap->start <= address && address < heap->end;
}

static int add_segment(struct heap_list *heaps, const struct chunk_segment *segment)
{
	int err = array__reserve(&heaps->list, &heaps->capacity, heaps->nr + 1);

	if (!err)
		heaps->list[heaps->nr++] = *segment;
	return err;
}

/*
 * system_mem counts all bytes from the first brk that the arena got up to the end of its top, with
 * what others took by sbrk() in between. A static program's TLS lies before that. Where brk fails,
 * and in a second libc of a process, the arena takes anonymous mappings instead. While there is
 * one only, it begins there, too.
 */
static int add_main_heap(struct heap_list *heaps, const struct memory_reader *memory,
			 const struct process_areas *areas, const struct arena *arena)
{
	struct chunk_segment segment = { .top = arena->top, .of_main_arena = true };
	struct address_range brk_heap;
	uint64_t size, top_end;

	if (!memory_reader__all(memory, arena->top + 8, &size, sizeof(size)))
		goto incomplete;
	top_end = arena->top + (size & ~(uint64_t)CHUNK_FLAGS);
	if (top_end <= arena->top || arena->system_bytes > top_end)
		goto incomplete;
	segment.first = chunk_align(top_end - arena->system_bytes);
	if (find_brk_heap(areas, arena->top, &brk_heap)) {
		segment.end = brk_heap.end;
		segment.other_first = chunk_align(brk_heap.start);
		if (segment.first < brk_heap.start || segment.first > arena->top)
			segment.first = segment.other_first;
		return add_segment(heaps, &segment);
	}
	segment.end = top_end;
	segment.whole_only = true;
	if (segment.first <= arena->top && segment.first % PAGE_BYTES == 0 &&
	    heap_list__is_anonymous(areas, segment.first, segment.end))
		return add_segment(heaps, &segment);
incomplete:
	heaps->incomplete = true;
	return 0;
}

static bool read_heap_info(const struct memory_reader *memory, uint64_t heap, uint64_t arena,
			   struct heap_info *info)
{
	return memory_reader__all(memory, heap, info, sizeof(*info)) && info->arena == arena &&
	       info->bytes && info->bytes <= HEAP_MAX_BYTES && info->bytes % PAGE_BYTES == 0;
}

/*
 * From the heap that the top lies in, the last one, back to the first, which the arena itself lies
 * in. Only what a check confirms is added; a chain that breaks leaves the others out.
 */
static int add_heaps(struct heap_list *heaps, const struct memory_reader *memory,
		     const struct arena *arena)
{
	uint64_t first_heap = arena->address - arena->address % HEAP_MAX_BYTES;
	uint64_t info_bytes = arena->address - first_heap;
	uint64_t heap = arena->top - arena->top % HEAP_MAX_BYTES;
	uint64_t top = arena->top;
	int err = 0;

	while (!err && heaps->nr < MAX_HEAPS) {
		struct chunk_segment segment = { .top = top };
		struct heap_info info;

		/* Another size of heaps gives another place. */
		if (info_bytes >= HEAP_MAX_BYTES / 64 ||
		    !read_heap_info(memory, heap, arena->address, &info))
			break;
		segment.first = chunk_align(heap == first_heap ? arena->end : heap + info_bytes);
		segment.end = heap + info.bytes;
		if (segment.first >= segment.end || (top && top < segment.first))
			break;
		err = add_segment(heaps, &segment);
		if (heap == first_heap)
			return err;
		heap = info.previous;
		top = 0;
		if (heap % HEAP_MAX_BYTES)
			break;
	}
	heaps->incomplete = true;
	return err;
}

static int by_first(const void *a, const void *b)
{
	const struct chunk_segment *first = a, *second = b;

	return (first->first > second->first) - (first->first < second->first);
}

/* The lowest address that the walk may look at. */
static uint64_t lowest(const struct chunk_segment *segment)
{
	if (segment->other_first && segment->other_first < segment->first)
		return segment->other_first;
	return segment->first;
}

/* A heap that two arenas claim, or that is not what a heap lies in, is no heap. */
static int keep_sound(struct heap_list *heaps, const struct process_areas *areas)
{
	uint64_t last_end = 0;
	size_t nr = 0;
	int err = 0;

	if (heaps->nr)
		qsort(heaps->list, heaps->nr, sizeof(*heaps->list), by_first);
	for (size_t i = 0; i < heaps->nr && !err; i++) {
		const struct chunk_segment segment = heaps->list[i];
		uint64_t heap = segment.first - segment.first % HEAP_MAX_BYTES;
		bool overlaps = lowest(&segment) < last_end;

		if (last_end < segment.end)
			last_end = segment.end;
		if (overlaps || (!segment.of_main_arena &&
				 !heap_list__is_anonymous(areas, heap, segment.end))) {
			heaps->incomplete = true;
			continue;
		}
		heaps->list[nr++] = segment;
		if (!segment.of_main_arena)
			err = range_list__add(&heaps->owned, heap, segment.first);
	}
	heaps->nr = nr;
	return err;
}

int heap_list__read(struct heap_list *heaps, const struct memory_reader *memory,
		    const struct process_areas *areas, const struct arena_list *arenas)
{
	int err = 0;

	*heaps = (struct heap_list){ .incomplete = arenas->incomplete };
	for (size_t i = 0; i < arenas->nr && !err; i++) {
		const struct arena *arena = &arenas->list[i];

		if (arena->is_main)
			err = range_list__add(&heaps->owned, arena->address, arena->end);
		if (err || arena->is_unused)
			continue;
		err = arena->is_main ? add_main_heap(heaps, memory, areas, arena) :
				       add_heaps(heaps, memory, arena);
	}
	if (!err)
		err = keep_sound(heaps, areas);
	if (err)
		heap_list__free(heaps);
	return err;
}

void heap_list__free(struct heap_list *heaps)
{
	free(heaps->list);
	range_list__free(&heaps->owned);
	*heaps = (struct heap_list){ 0 };
}
