// SPDX-License-Identifier: GPL-2.0
/*
 * The filter and the growing list of noted pointers. Words come from the scan's buffers; the
 * classification resolves what was noted.
 */
#include "leaks/pointer_log.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#define FILTER_BITS (1U << 23) /* 1 MiB: 32 GiB of pages of 4 KiB */
#define PAGE_SHIFT 12
#define PART_WORDS 512

/* Neighbours have bits side by side, which keeps the used part of the filter in the CPU's cache. */
static inline size_t bit_of(const struct pointer_filter *filter, uint64_t address)
{
	uint64_t page = address >> filter->shift;

	return (page + page / FILTER_BITS * 0x9e3779b1) % FILTER_BITS;
}

static inline bool filter_has(const struct pointer_filter *filter, uint64_t address)
{
	size_t bit = bit_of(filter, address);

	return filter->bits[bit / 64] >> bit % 64 & 1;
}

static void filter_add(struct pointer_filter *filter, uint64_t start, uint64_t end)
{
	for (uint64_t page = start >> filter->shift; page <= (end - 1) >> filter->shift; page++) {
		size_t bit = bit_of(filter, page << filter->shift);

		filter->bits[bit / 64] |= 1ULL << bit % 64;
	}
}

/* A block of no bytes is found by its start. */
static uint64_t end_of(const struct leak_block *block)
{
	return block->address + (block->size_bytes ? block->size_bytes : 1);
}

/* What the filter covers: its first and last address, and how much that is in all. */
struct extent {
	uint64_t low, high, total;
};

static void widen(struct extent *extent, uint64_t start, uint64_t end)
{
	if (start < extent->low)
		extent->low = start;
	if (end > extent->high)
		extent->high = end;
	if (__builtin_add_overflow(extent->total, end - start, &extent->total))
		extent->total = UINT64_MAX;
}

static struct extent measure(const struct leak_block *blocks, size_t nr_blocks,
			     const struct range_list *const *lists, size_t nr_lists)
{
	struct extent extent = { .low = UINT64_MAX };

	for (size_t i = 0; i < nr_blocks; i++)
		widen(&extent, blocks[i].address, end_of(&blocks[i]));
	for (size_t i = 0; i < nr_lists; i++) {
		for (size_t j = 0; j < lists[i]->nr; j++)
			widen(&extent, lists[i]->list[j].start, lists[i]->list[j].end);
	}
	return extent;
}

/*
 * Reserves room for all notes that there may be: addresses, and no memory yet. Growing step by step
 * would fault in each page alone, which takes longer than all the rest. Where less is left, there
 * is room for less.
 */
static int reserve_notes(struct pointer_log *log)
{
	void *list = MAP_FAILED;

	for (log->max = POINTER_LOG_MAX; list == MAP_FAILED && log->max > PART_WORDS;) {
		list = mmap(NULL, log->max * sizeof(*log->list), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (list == MAP_FAILED)
			log->max /= 2;
	}
	if (list == MAP_FAILED)
		return -ENOMEM;
	log->list = list;
	madvise(list, log->max * sizeof(*log->list), MADV_HUGEPAGE);
	return 0;
}

int pointer_log__init(struct pointer_log *log, const struct leak_block *blocks, size_t nr_blocks,
		      const struct range_list *const *lists, size_t nr_lists)
{
	struct pointer_filter *filter = &log->filter;
	struct extent extent = measure(blocks, nr_blocks, lists, nr_lists);

	*log = (struct pointer_log){ 0 };
	filter->bits = calloc(FILTER_BITS / 64, sizeof(*filter->bits));
	if (!filter->bits || reserve_notes(log))
		return -ENOMEM;
	if (extent.high <= extent.low)
		return 0;
	filter->low = extent.low;
	filter->span = extent.high - extent.low;
	/* However large blocks are, setting their bits takes bounded time. */
	for (filter->shift = PAGE_SHIFT; extent.total >> filter->shift > FILTER_BITS / 2;)
		filter->shift++;
	for (size_t i = 0; i < nr_blocks; i++)
		filter_add(filter, blocks[i].address, end_of(&blocks[i]));
	for (size_t i = 0; i < nr_lists; i++) {
		for (size_t j = 0; j < lists[i]->nr; j++)
			filter_add(filter, lists[i]->list[j].start, lists[i]->list[j].end);
	}
	return 0;
}

void pointer_log__free(struct pointer_log *log)
{
	free(log->filter.bits);
	if (log->list)
		munmap(log->list, log->max * sizeof(*log->list));
	*log = (struct pointer_log){ 0 };
}

bool pointer_log__notes(const struct pointer_log *log, uint64_t address)
{
	return address - log->filter.low < log->filter.span && filter_has(&log->filter, address);
}

int pointer_log__word(struct pointer_log *log, uint64_t source, uint64_t value)
{
	return pointer_log__words(log, source, &value, 1);
}

/*
 * Two loops without branches on data: the first finds what lies between the lowest and the highest
 * block, which few words do; the second asks the filter. There is room for all of them.
 */
static void note_part(struct pointer_log *log, uint64_t address, const uint64_t *words, size_t nr)
{
	const struct pointer_filter *filter = &log->filter;
	const uint64_t low = filter->low, span = filter->span;
	struct pointer_note *next = log->list + log->nr;
	uint16_t near[PART_WORDS];
	size_t nr_near = 0;

	for (size_t i = 0; i < nr; i++) {
		near[nr_near] = (uint16_t)i;
		nr_near += words[i] - low < span;
	}
	for (size_t i = 0; i < nr_near; i++) {
		next->value = words[near[i]];
		next->source = address + near[i] * sizeof(*words);
		next += filter_has(filter, next->value);
	}
	log->nr = (size_t)(next - log->list);
}

int pointer_log__words(struct pointer_log *log, uint64_t address, const uint64_t *words, size_t nr)
{
	while (nr) {
		size_t part = nr < PART_WORDS ? nr : PART_WORDS;

		/* Part of the last part could still fit, but then the next would not. */
		if (log->nr + part > log->max)
			return -E2BIG;
		note_part(log, address, words, part);
		address += part * sizeof(*words);
		words += part;
		nr -= part;
	}
	return 0;
}
