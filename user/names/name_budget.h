/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Bounds the cost of names: of all symbols, lines, debug files and perf maps together, whatever
 * files others prepare. All holders share an amount of memory. When it is used up, the holder used
 * least recently is evicted: its data is freed, and read again when needed. Each report has a share
 * of processor time, and all reports together have one. A frame for which no time is left goes
 * without a name, and the user is told so. Not for use by two threads at once.
 */
#ifndef NAME_BUDGET_H
#define NAME_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/counted_heap.h"

struct name_budget;

/* A holder of memory for names: a member of the struct that holds it. */
struct name_holder {
	struct counted_heap heap;
	/* Frees what can be read again. */
	void (*evict)(struct name_holder *holder);
	struct name_budget *budget; /* NULL: no work for it has begun yet */
	struct name_holder *older, *newer;
};

/* max_bytes: 0 is this machine's share. NULL when memory has run out. */
struct name_budget *name_budget__new(uint64_t max_bytes);
void name_budget__free(struct name_budget *budget);

/* Starts the processor time of a new report. */
void name_budget__begin_report(struct name_budget *budget);

/*
 * Begins and ends work for a holder; only one holder is worked for at a time. Memory allocated
 * meanwhile counts as the holder's, and is refused where there is no room even when all others are
 * evicted. name_budget__begin returns false when there is no time left: then nothing has begun.
 * name_budget__end returns whether something was refused.
 */
bool name_budget__begin(struct name_budget *budget, struct name_holder *holder);
bool name_budget__end(struct name_budget *budget);

/* The holder is about to be freed. */
void name_budget__leave(struct name_holder *holder);

/* Tells the user, once, that names are missing for want of room. */
void name_budget__tell_refusal(struct name_budget *budget);

/* The share of the strings, which belong to no holder. */
uint64_t name_budget__max_string_bytes(const struct name_budget *budget);

#endif
