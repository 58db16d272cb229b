// SPDX-License-Identifier: GPL-2.0
/* See heap_counts.h. */
#include "heap_counts.h"

#include <stdlib.h>

#include "harness.h"

void heap_counts__read(struct heap_counts *heap, const json_t *counts)
{
	heap->held_bytes = number(counts, "held_bytes");
	heap->held_blocks = number(counts, "held_blocks");
	heap->allocations = number(counts, "allocations");
	heap->frees = number(counts, "frees");
	heap->allocated_bytes = number(counts, "allocated_bytes");
}

json_t *heap_counts__write(const struct heap_counts *heap)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I}", "held_bytes", heap->held_bytes, "held_blocks",
			 heap->held_blocks, "allocations", heap->allocations, "frees", heap->frees,
			 "allocated_bytes", heap->allocated_bytes);
}

void heap_counts__print(const struct heap_counts *heap, const char *who)
{
	print_message("%-9s %lld bytes in %lld blocks held; %lld allocations, %lld frees, %lld "
		      "bytes allocated\n",
		      who, heap->held_bytes, heap->held_blocks, heap->allocations, heap->frees,
		      heap->allocated_bytes);
}

void held_list__add(struct held_list *list, long long bytes, long long blocks)
{
	assert_in_range(list->nr, 0, HELD_LIST_MAX - 1);
	list->held[list->nr++] = (struct held){ bytes, blocks };
}

static int by_held(const void *a, const void *b)
{
	const struct held *left = a, *right = b;

	if (left->bytes != right->bytes)
		return left->bytes < right->bytes ? -1 : 1;
	return left->blocks < right->blocks ? -1 : left->blocks > right->blocks;
}

void held_list__sort(struct held_list *list)
{
	qsort(list->held, list->nr, sizeof(struct held), by_held);
}

void held_list__read(struct held_list *list, const json_t *counts)
{
	json_t *copy;
	size_t i;

	json_array_foreach(field(counts, "copies"), i, copy)
		held_list__add(list, number(copy, "bytes"), number(copy, "blocks"));
}

json_t *held_list__write(const struct held_list *list)
{
	json_t *copies = json_array();

	for (size_t i = 0; i < list->nr; i++)
		json_array_append_new(copies, json_pack("{s:I,s:I}", "bytes", list->held[i].bytes,
							"blocks", list->held[i].blocks));
	return json_pack("{s:o}", "copies", copies);
}
