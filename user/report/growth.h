/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How stacks have grown from report to report, and whether what was allocated between earlier
 * reports still lives: a cache gives old blocks up for new ones, a leak keeps all. Pure: groups of
 * stacks in, growth in their report_growth out.
 */
#ifndef GROWTH_H
#define GROWTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/births.h"
#include "report/report.h"
#include "report/stack_groups.h"

struct growth;

/* NULL when there is no memory. */
struct growth *growth__new(void);
void growth__free(struct growth *growth);

/* Begins a report: what was noted since the last call becomes the report before this one. */
void growth__begin(struct growth *growth, uint64_t now_ns);

/* The times of the earlier reports, oldest first, for births__new. 0: this is the first. */
size_t growth__times(const struct growth *growth, const uint64_t **times_ns);

/* Seconds since the report before this one; 0: this is the first. */
double growth__since_s(const struct growth *growth);

/* Whose stacks are noted: one process, or all. */
struct growth_subject {
	uint64_t serial; /* of the address space; 0: all processes */
	uint64_t began_ns; /* when its record began; 0: before all reports */
	const struct process_sites *processes; /* of the groups' origins */
	const struct births *births; /* NULL: the ages of blocks are unknown */
};

/*
 * Fills in the growth of each group, and remembers what it holds. Fills in of *stacks the times,
 * and what the stacks that are gone have lost. Returns 0 or -ENOMEM; the growth is unknown then.
 */
int growth__note(struct growth *growth, const struct growth_subject *subject,
		 struct stack_groups *groups, struct report_stacks *stacks);

/* Remembers what a process holds, and its anonymous memory, and returns how these grew. */
struct report_growth growth__note_process(struct growth *growth,
					  const struct growth_subject *subject, uint64_t bytes,
					  uint64_t blocks, figure anon_bytes);

/*
 * Whether it grows as a leak does: nearly all that was allocated between earlier reports is held
 * still, and no older blocks were given up for it. A cache does so until it is full.
 */
bool growth__looks_like_leak(const struct report_growth *growth);

/* What the process held at the report before; 0: it was not there. */
uint64_t growth__held_before(const struct growth *growth, uint64_t serial);

#endif
