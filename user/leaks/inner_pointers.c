// SPDX-License-Identifier: GPL-2.0
/*
 * Judges the pointers in the order of the addresses that they point to, each once, so that the
 * process's pages are read one after the other.
 */
#include "leaks/inner_pointers.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/search.h"
#include "leaks/heuristics.h"
#include "leaks/kept_pages.h"

/* Where a pointer leads: the block's number, and the edge's note in the lower bits. */
#define NOTE_BITS 16

struct place_list {
	uint64_t *list;
	size_t nr, capacity;
};

static uint64_t place_of(const struct reach_edge *edge)
{
	return (uint64_t)edge->to << NOTE_BITS | edge->note;
}

static bool is_alive(const struct inner_pointers *inner, const uint8_t *kinds, uint32_t from)
{
	return from >= inner->nr_blocks || kinds[from] == LEAK_REACHABLE ||
	       kinds[from] == LEAK_POSSIBLE;
}

static bool is_judged(const struct inner_pointers *inner, const uint8_t *kinds,
		      const struct reach_edge *edge)
{
	return !edge->exact && edge->note && kinds[edge->to] == LEAK_POSSIBLE &&
	       is_alive(inner, kinds, edge->from);
}

static int list_places(struct place_list *places, const struct inner_pointers *inner,
		       const uint8_t *kinds)
{
	for (size_t i = 0; i < inner->nr_edges; i++) {
		int err;

		if (!is_judged(inner, kinds, &inner->edges[i]))
			continue;
		err = array__reserve(&places->list, &places->capacity, places->nr + 1);
		if (err)
			return err;
		places->list[places->nr++] = place_of(&inner->edges[i]);
	}
	return 0;
}

static int compare_places(const void *a, const void *b)
{
	uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;

	return (one > other) - (one < other);
}

/* Keeps the places where a heuristic matches, each once. */
static void judge_places(struct place_list *places, const struct inner_pointers *inner,
			 const struct memory_reader *memory)
{
	uint64_t last = 0; /* none: notes are not 0 */
	size_t nr = places->nr;

	places->nr = 0;
	for (size_t i = 0; i < nr; i++) {
		uint64_t place = places->list[i], words = place & ((1 << NOTE_BITS) - 1);
		const struct leak_block *block = &inner->blocks[place >> NOTE_BITS];
		enum leak_heuristic heuristic;

		if (place == last)
			continue;
		last = place;
		heuristic = heuristics__match(inner->heuristics, block,
					      block->address + words * INNER_WORD_BYTES, memory,
					      inner->areas);
		if (heuristic == NR_LEAK_HEURISTICS)
			continue;
		inner->found_by[place >> NOTE_BITS] = (uint8_t)(1 + heuristic);
		places->list[places->nr++] = place;
	}
}

static bool is_in(const struct place_list *places, uint64_t place)
{
	size_t nr = search__nr_before(places->nr, at, places->list[at] < place);

	return nr < places->nr && places->list[nr] == place;
}

static size_t make_exact(const struct inner_pointers *inner, const uint8_t *kinds,
			 const struct place_list *places)
{
	size_t nr = 0;

	for (size_t i = 0; i < inner->nr_edges && places->nr; i++) {
		struct reach_edge *edge = &inner->edges[i];

		if (is_judged(inner, kinds, edge) && is_in(places, place_of(edge))) {
			edge->exact = true;
			nr++;
		}
	}
	return nr;
}

ssize_t inner_pointers__judge(const struct inner_pointers *inner, const uint8_t *kinds)
{
	struct place_list places = { 0 };
	int err = list_places(&places, inner, kinds);
	struct kept_pages *pages;
	ssize_t nr = 0;

	if (err || !places.nr) {
		free(places.list);
		return err;
	}
	qsort(places.list, places.nr, sizeof(*places.list), compare_places);
	pages = kept_pages__new(inner->memory);
	if (pages) {
		const struct memory_reader memory = kept_pages__reader(pages);

		judge_places(&places, inner, &memory);
		nr = (ssize_t)make_exact(inner, kinds, &places);
	}
	kept_pages__free(pages);
	free(places.list);
	return pages ? nr : -ENOMEM;
}

void inner_pointers__keep_needed(const struct inner_pointers *inner, const uint8_t *kinds)
{
	for (size_t i = 0; i < inner->nr_edges; i++) {
		const struct reach_edge *edge = &inner->edges[i];

		if (edge->exact && !edge->note && edge->to < inner->nr_blocks &&
		    (edge->from >= inner->nr_blocks || kinds[edge->from] == LEAK_REACHABLE))
			inner->found_by[edge->to] = 0;
	}
	for (uint32_t i = 0; i < inner->nr_blocks; i++) {
		if (kinds[i] != LEAK_REACHABLE)
			inner->found_by[i] = 0;
	}
}
