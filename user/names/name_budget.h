/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What names may cost: all symbols, lines, debug files and perf maps together, whatever files
 * others prepare. Of memory there is a share for all; when it is used up, what was used least
 * recently is let go, to be read again when needed. Of processor time each report has a share, and
 * all together: what finds none goes without a name, and that is told. Not for use by two threads
 * at once.
 */
#ifndef NAME_BUDGET_H
#define NAME_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/counted_heap.h"

struct name_budget;

/* Something that holds memory for names; a member of what holds it. */
struct name_holder {
	struct counted_heap heap;
	/* Frees what can be read again. */
	void (*let_go)(struct name_holder *holder);
	struct name_budget *budget; /* NULL: it was never worked for */
	struct name_holder *older, *newer;
};

/* max_bytes: 0 is this machine's share. NULL when memory has run out. */
struct name_budget *name_budget__new(uint64_t max_bytes);
void name_budget__free(struct name_budget *budget);

/* The processor time of a report begins. */
void name_budget__begin_report(struct name_budget *budget);

/*
 * Work for a holder, to be ended before another begins: what is allocated meanwhile is its, and
 * refused where there is no room even when all others have let go. name_budget__begin returns false
 * when there is no time left: then nothing has begun. name_budget__end returns whether something
 * was refused.
 */
bool name_budget__begin(struct name_budget *budget, struct name_holder *holder);
bool name_budget__end(struct name_budget *budget);

/* The holder is about to be freed. */
void name_budget__leave(struct name_holder *holder);

/* Tells, once, that names are missing for want of room. */
void name_budget__tell_refusal(struct name_budget *budget);

/* How much strings may take, which no holder owns. */
uint64_t name_budget__max_string_bytes(const struct name_budget *budget);

#endif
