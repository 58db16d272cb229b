/* SPDX-License-Identifier: GPL-2.0 */
/* Counts of a program's heap, and of the heaps of a family of processes, and their JSON. */
#ifndef HEAP_COUNTS_H
#define HEAP_COUNTS_H

#include <jansson.h>
#include <stddef.h>

#define HELD_LIST_MAX 64

struct heap_counts {
	long long held_bytes, held_blocks, allocations, frees, allocated_bytes;
};

void heap_counts__read(struct heap_counts *heap, const json_t *counts);
json_t *heap_counts__write(const struct heap_counts *heap);
void heap_counts__print(const struct heap_counts *heap, const char *who);

struct held {
	long long bytes, blocks;
};

/* The blocks that each process of a family holds at its end. */
struct held_list {
	struct held held[HELD_LIST_MAX];
	size_t nr;
};

void held_list__add(struct held_list *list, long long bytes, long long blocks);
/* Sorts by what is held: the order in which processes end does not count. */
void held_list__sort(struct held_list *list);
void held_list__read(struct held_list *list, const json_t *counts);
json_t *held_list__write(const struct held_list *list);

#endif
