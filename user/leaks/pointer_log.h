/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Notes words that may point into a block. Whether they do is found out later: a process stands
 * still while this runs, so each word costs about a nanosecond.
 */
#ifndef POINTER_LOG_H
#define POINTER_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "leaks/block_index.h"
#include "leaks/glibc_arenas.h"

/* The most pointers that are kept: 1 GiB of them. */
#define POINTER_LOG_MAX ((size_t)64 << 20)

/* The source of a word that was in a register. */
#define POINTER_IN_REGISTER 0

struct pointer_note {
	uint64_t source; /* address of the word */
	uint64_t value;
};

/*
 * Which values are noted: a bit for each page that can hold a block. Pages far from each other may
 * share a bit, so some values too many pass, and never one too few. Its size is fixed.
 */
struct pointer_filter {
	uint64_t low, span; /* of all these pages */
	unsigned int shift; /* of a page, which is larger than the machine's when blocks are many */
	uint64_t *bits;
};

struct pointer_log {
	struct pointer_filter filter;
	struct pointer_note *list;
	size_t nr, max;
};

/* Notes pointers into the blocks, which are sorted, and into these ranges. Returns 0 or -ENOMEM. */
int pointer_log__init(struct pointer_log *log, const struct leak_block *blocks, size_t nr_blocks,
		      const struct range_list *const *lists, size_t nr_lists);
void pointer_log__free(struct pointer_log *log);

/* Whether a pointer to the address would have been noted. */
bool pointer_log__notes(const struct pointer_log *log, uint64_t address);

/* Notes one word. Returns 0 or -E2BIG. */
int pointer_log__word(struct pointer_log *log, uint64_t source, uint64_t value);

/* Notes words that are at this address in the process. Returns 0 or -E2BIG. */
int pointer_log__words(struct pointer_log *log, uint64_t address, const uint64_t *words, size_t nr);

#endif
