// SPDX-License-Identifier: GPL-2.0
/*
 * Sets of addresses as sorted lists of ranges. The areas come from /proc/PID/maps, the allocator's
 * memory from its arenas; the plan goes to the scan, which reads nothing else.
 */
#include "leaks/root_ranges.h"

#include "base/array.h"
#include "base/search.h"
#include "leaks/range_list.h"

#define WORD_BYTES 8

/* Adds a range that does not start before the last one. Ranges that touch become one. */
static int append(struct range_list *list, uint64_t start, uint64_t end)
{
	struct address_range *last = list->nr ? &list->list[list->nr - 1] : NULL;

	if (start >= end)
		return 0;
	if (!last || start > last->end)
		return range_list__add(list, start, end);
	if (end > last->end)
		last->end = end;
	return 0;
}

/* The index of the first range that ends above the address. */
static size_t first_above(const struct range_list *list, uint64_t address)
{
	return search__nr_before(list->nr, at, list->list[at].end <= address);
}

bool root_ranges__contain(const struct range_list *list, uint64_t address)
{
	size_t at = first_above(list, address);

	return at < list->nr && list->list[at].start <= address;
}

int root_ranges__subtract(struct range_list *result, const struct range_list *list,
			  const struct range_list *minus)
{
	size_t at = 0;
	int err = 0;

	*result = (struct range_list){ 0 };
	for (size_t i = 0; i < list->nr && !err; i++) {
		uint64_t start = list->list[i].start, end = list->list[i].end;

		while (at < minus->nr && minus->list[at].end <= start)
			at++;
		/* The last one may reach into the next range too, so `at` stays behind. */
		for (size_t j = at; j < minus->nr && minus->list[j].start < end && !err; j++) {
			if (minus->list[j].start > start)
				err = range_list__add(result, start, minus->list[j].start);
			start = minus->list[j].end;
		}
		if (!err)
			err = range_list__add(result, start, end);
	}
	if (err)
		range_list__free(result);
	return err;
}

int root_ranges__unite(struct range_list *result, const struct range_list *one,
		       const struct range_list *other)
{
	size_t i = 0, j = 0;
	int err;

	*result = (struct range_list){ 0 };
	err = array__reserve(&result->list, &result->capacity, one->nr + other->nr);
	while (!err && (i < one->nr || j < other->nr)) {
		const struct address_range *next;

		if (j == other->nr || (i < one->nr && one->list[i].start <= other->list[j].start))
			next = &one->list[i++];
		else
			next = &other->list[j++];
		err = append(result, next->start, next->end);
	}
	if (err)
		range_list__free(result);
	return err;
}

static bool has_range_in(const struct range_list *list, const struct area *area)
{
	size_t at = first_above(list, area->start);

	return at < list->nr && list->list[at].start < area->end;
}

static bool is_memory(const struct area *area)
{
	return area->readable && area->kind != AREA_DEVICE && area->kind != AREA_KERNEL;
}

/*
 * Variables that the loader made read-only (RELRO) lie before the others of the same file. Those of
 * a static program are the C library's too, which keeps blocks of its own there.
 */
static bool is_relro_of_allocator(const struct root_sources *sources, size_t number)
{
	const struct area *area = &sources->areas->list[number], *next = area + 1;

	return number + 1 < sources->areas->nr && area->kind == AREA_FILE && !area->shared &&
	       !area->executable && next->start == area->end && next->kind == AREA_FILE &&
	       next->writable && !next->shared && has_range_in(sources->owned, next);
}

static int add_root_areas(struct range_list *list, const struct root_sources *sources)
{
	const struct process_areas *areas = sources->areas;
	int err = 0;

	for (size_t i = 0; i < areas->nr && !err; i++) {
		const struct area *area = &areas->list[i];

		if (is_memory(area) && (area->writable || is_relro_of_allocator(sources, i)))
			err = append(list, area->start, area->end);
	}
	return err;
}

/* Ranges that are still to be put among the blocks' contents, in order. */
struct merge {
	struct range_list *plan;
	const struct range_list *others;
	size_t next;
};

static int append_others(struct merge *merge, uint64_t up_to)
{
	const struct range_list *others = merge->others;
	int err = 0;

	for (; merge->next < others->nr && others->list[merge->next].start <= up_to && !err;
	     merge->next++)
		err = append(merge->plan, others->list[merge->next].start,
			     others->list[merge->next].end);
	return err;
}

/* Only whole words count, and only aligned ones. */
static int append_words(struct merge *merge, uint64_t start, uint64_t end)
{
	int err;

	if (start > UINT64_MAX - WORD_BYTES)
		return 0;
	start = (start + WORD_BYTES - 1) & -WORD_BYTES;
	err = append_others(merge, start);
	return err ? err : append(merge->plan, start, end & -WORD_BYTES);
}

/* A block can reach over several areas when part of it is protected otherwise. */
static int append_contents(struct merge *merge, const struct root_sources *sources)
{
	const struct process_areas *areas = sources->areas;
	size_t first = 0;
	int err = 0;

	for (size_t i = 0; i < sources->nr_blocks && !err; i++) {
		const struct leak_block *block = &sources->blocks[i];
		uint64_t end = block->address + block->size_bytes;

		if (end < UINT64_MAX - sources->beyond_bytes)
			end += sources->beyond_bytes;
		while (first < areas->nr && areas->list[first].end <= block->address)
			first++;
		for (size_t j = first; j < areas->nr && areas->list[j].start < end && !err; j++) {
			const struct area *area = &areas->list[j];
			uint64_t from = block->address > area->start ? block->address : area->start;

			if (is_memory(area))
				err = append_words(merge, from, end < area->end ? end : area->end);
		}
	}
	return err ? err : append_others(merge, UINT64_MAX);
}

int root_ranges__plan(struct range_list *plan, const struct root_sources *sources)
{
	struct range_list variables = { 0 }, others = { 0 }, alive = { 0 }, roots = { 0 };
	struct merge merge = { .plan = plan, .others = &roots };
	int err = add_root_areas(&variables, sources);

	*plan = (struct range_list){ 0 };
	if (!err)
		err = root_ranges__subtract(&others, &variables, sources->owned);
	if (!err)
		err = root_ranges__subtract(&alive, &others, sources->dead);
	if (!err)
		err = root_ranges__unite(&roots, &alive, sources->unknown);
	/* Blocks are many, so no list of theirs is made first. */
	if (!err)
		err = append_contents(&merge, sources);
	range_list__free(&variables);
	range_list__free(&others);
	range_list__free(&alive);
	range_list__free(&roots);
	if (err)
		range_list__free(plan);
	return err;
}

int root_ranges__foreign(struct range_list *foreign, const struct root_sources *sources)
{
	const struct process_areas *areas = sources->areas;
	const struct range_list *owned = sources->owned;
	size_t area = 0, range = 0;
	int err = 0;

	*foreign = (struct range_list){ 0 };
	for (size_t i = 0; i < sources->nr_blocks && !err; i++) {
		uint64_t address = sources->blocks[i].address;

		while (range < owned->nr && owned->list[range].end <= address)
			range++;
		if (range < owned->nr && owned->list[range].start <= address)
			continue;
		while (area < areas->nr && areas->list[area].end <= address)
			area++;
		/* A block that was freed and unmapped a moment ago may lie in no area. */
		if (area < areas->nr && areas->list[area].start <= address &&
		    is_memory(&areas->list[area]) && areas->list[area].writable)
			err = append(foreign, areas->list[area].start, areas->list[area].end);
	}
	if (err)
		range_list__free(foreign);
	return err;
}
