/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The things that could not be recorded, by cause: names for programs, words for people, and what a
 * loss does to the figures.
 */
#ifndef LOSSES_H
#define LOSSES_H

#include <stdbool.h>

#include "report/report.h"

/* The things that a cause counts. */
enum loss_kind {
	LOSS_OF_EVENTS, /* calls and ends that were not seen */
	LOSS_OF_BLOCKS, /* blocks that were not recorded */
	LOSS_OF_STACKS, /* blocks that were recorded without where they come from */
	LOSS_OF_RECORDS, /* records of the kernel's */
};

struct loss_cause {
	enum loss_kind kind;
	bool lessens_sums; /* what is held, allocated and freed may be more than was counted */
	const char *name; /* in JSON */
	const char *noun, *why; /* "3 blocks for which there was no room" */
};

extern const struct loss_cause loss_causes[NR_LOSSES];

/* The sum over the causes of that kind. */
uint64_t losses__sum(const struct report_lost *lost, enum loss_kind kind);
bool losses__lessen_sums(const struct report_lost *lost);

/* Adds what an address space has lost. */
void losses__add_space(struct report_lost *lost, const struct space *space);

#endif
