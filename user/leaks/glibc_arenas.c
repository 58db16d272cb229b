// SPDX-License-Identifier: GPL-2.0
/*
 * Puts together what glibc's malloc says of its memory: arena_list.c finds the arenas,
 * arena_heaps.c where their chunks lie, chunk_walk.c goes through them, and chunk_caches.c takes
 * out what only looks like in use. The leak scan gets lists of ranges.
 *
 * One fault is worse than all others: memory that the program uses, taken for the allocator's. A
 * pointer in it would not count, and its block would seem lost. So what is doubtful is left out.
 */
#include <stdlib.h>

#include "base/array.h"
#include "leaks/arena_heaps.h"
#include "leaks/arena_list.h"
#include "leaks/chunk_caches.h"
#include "leaks/chunk_walk.h"
#include "leaks/glibc_arenas.h"
#include "leaks/range_list.h"

#define PAGE_BYTES 4096U
/* The default of M_MMAP_MAX. */
#define MAX_MMAPPED 65536
/* Smaller blocks are not mmapped, unless M_MMAP_THRESHOLD was set below its default. */
#define MMAPPED_MIN_BYTES ((uint64_t)32 << 10)

struct mmapped_search {
	const struct memory_reader *memory;
	const struct process_areas *areas;
	uint64_t last_end; /* of the known block before */
	size_t nr_tried;
};

/*
 * A mapping of a chunk's own begins with the chunk, or with what was skipped for an alignment. A
 * small block has such a mapping for the sake of an alignment that is larger than a page.
 */
static bool may_be_mmapped(const struct leak_block *block)
{
	uint64_t in_page = block->address % PAGE_BYTES;

	return block->address % CHUNK_ALIGNMENT == 0 && block->address >= PAGE_BYTES &&
	       (in_page == CHUNK_HEADER_BYTES || in_page == 0 ||
		block->size_bytes >= MMAPPED_MIN_BYTES);
}

/*
 * The mapping of a known block, by its chunk's header: previous_bytes are those skipped before it.
 * The bytes before and after the block are less than two pages, and the alignment that was asked
 * for. Mappings can be neighbours, so an area says only that the range is anonymous memory.
 */
static bool find_mapping(struct mmapped_search *search, const struct leak_block *block,
			 struct address_range *mapping)
{
	uint64_t chunk = block->address - CHUNK_HEADER_BYTES, header[2], bytes, spare;

	if (!memory_reader__all(search->memory, chunk, header, sizeof(header)))
		return false;
	bytes = header[1] & ~(uint64_t)CHUNK_FLAGS;
	if ((header[1] & CHUNK_FLAGS) != CHUNK_IS_MMAPPED || header[0] > chunk ||
	    bytes > UINT64_MAX - chunk || bytes < CHUNK_HEADER_BYTES ||
	    block->size_bytes > bytes - CHUNK_HEADER_BYTES)
		return false;
	*mapping = (struct address_range){ chunk - header[0], chunk + bytes };
	spare = mapping->end - mapping->start - block->size_bytes;
	return spare <= (block->address & -block->address) + 2 * PAGE_BYTES &&
	       mapping->start % PAGE_BYTES == 0 && mapping->end % PAGE_BYTES == 0 &&
	       mapping->start >= search->last_end &&
	       heap_list__is_anonymous(search->areas, mapping->start, mapping->end);
}

static int add_mapping(struct glibc_arenas *arenas, const struct leak_block *block,
		       const struct address_range *mapping)
{
	uint64_t end = (block->address + block->size_bytes + 7) & ~7ULL;
	int err = range_list__add(&arenas->owned, mapping->start, mapping->end);

	return err ? err : range_list__add(&arenas->mapped_ends, end, mapping->end);
}

/* Known blocks outside of the heaps. walked: sorted. Returns 0 or -ENOMEM. */
static int add_mmapped(struct glibc_arenas *arenas, const struct chunk_walk *walk,
		       const struct process_areas *areas)
{
	struct mmapped_search search = { .memory = walk->window.memory, .areas = areas };
	const struct range_list *walked = &walk->walked;
	size_t range = 0;
	int err = 0;

	for (size_t i = 0; i < walk->nr_known && !err; i++) {
		const struct leak_block *block = &walk->known[i];
		struct address_range mapping;

		while (range < walked->nr && walked->list[range].end <= block->address)
			range++;
		if ((range == walked->nr || block->address < walked->list[range].start) &&
		    may_be_mmapped(block)) {
			if (search.nr_tried++ == MAX_MMAPPED) {
				arenas->state = ARENAS_PARTLY;
				break;
			}
			if (find_mapping(&search, block, &mapping))
				err = add_mapping(arenas, block, &mapping);
		}
		search.last_end = block->address + block->size_bytes;
	}
	return err;
}

/* Gaps between known blocks can touch each other; a chunk's user part touches no other one. */
static int add_unknown(struct glibc_arenas *arenas, const struct chunk_walk *walk)
{
	struct range_list *unknown = &arenas->unknown;
	struct chunk_list *chunks = &arenas->chunks;
	int err = array__reserve(&unknown->list, &unknown->capacity, walk->nr);

	if (!err)
		err = array__reserve(&chunks->list, &chunks->capacity, walk->nr);

	for (size_t i = 0; i < walk->nr && !err; i++) {
		const struct unknown_chunk *chunk = &walk->chunks[i];
		uint64_t end = chunk->address + chunk->bytes;

		if (chunk->is_spare)
			continue;
		arenas->unknown_bytes += chunk->bytes;
		if (!chunk->is_part)
			chunks->list[chunks->nr++] =
				(struct used_chunk){ chunk->address, chunk->bytes, chunk->link };
		if (unknown->nr && unknown->list[unknown->nr - 1].end == chunk->address)
			unknown->list[unknown->nr - 1].end = end;
		else
			unknown->list[unknown->nr++] =
				(struct address_range){ chunk->address, end };
	}
	return err;
}

static int add_owned(struct glibc_arenas *arenas, const struct range_list *ranges)
{
	int err = 0;

	for (size_t i = 0; i < ranges->nr && !err; i++)
		err = range_list__add(&arenas->owned, ranges->list[i].start, ranges->list[i].end);
	return err;
}

static int walk_heaps(struct glibc_arenas *arenas, struct chunk_walk *walk,
		      const struct process_areas *areas, const struct arena_list *list,
		      const struct heap_list *heaps)
{
	int err = 0;

	for (size_t i = 0; i < heaps->nr && !err; i++)
		err = chunk_walk__segment(walk, &heaps->list[i]);
	if (!err)
		err = chunk_caches__mark(walk, list);
	if (err)
		return err;
	arenas->state = walk->incomplete || heaps->incomplete ? ARENAS_PARTLY : ARENAS_WALKED;
	arenas->free_bytes = walk->free_bytes;
	arenas->free_chunks = walk->free_chunks;
	err = add_unknown(arenas, walk);
	if (!err)
		err = add_owned(arenas, &heaps->owned);
	if (!err)
		err = add_owned(arenas, &walk->walked);
	if (!err)
		err = add_mmapped(arenas, walk, areas);
	if (!err)
		range_list__sort(&arenas->owned);
	return err;
}

int glibc_arenas__read(struct glibc_arenas *arenas, const struct memory_reader *memory,
		       const struct process_areas *areas, const struct leak_block *known,
		       size_t nr_known)
{
	struct heap_list heaps = { 0 };
	struct chunk_walk walk = { 0 };
	struct arena_list list;
	int err = arena_list__read(&list, memory, areas);

	*arenas = (struct glibc_arenas){ 0 };
	if (err || !list.nr)
		goto out;
	err = heap_list__read(&heaps, memory, areas, &list);
	if (!err)
		err = chunk_walk__open(&walk, memory, known, nr_known);
	if (!err)
		err = walk_heaps(arenas, &walk, areas, &list, &heaps);
out:
	chunk_walk__close(&walk);
	heap_list__free(&heaps);
	arena_list__free(&list);
	if (err)
		glibc_arenas__free(arenas);
	return err;
}

void glibc_arenas__free(struct glibc_arenas *arenas)
{
	range_list__free(&arenas->owned);
	range_list__free(&arenas->unknown);
	free(arenas->chunks.list);
	range_list__free(&arenas->mapped_ends);
	*arenas = (struct glibc_arenas){ 0 };
}
