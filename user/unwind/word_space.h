/* SPDX-License-Identifier: GPL-2.0 */
/* The free words of the unwind tables' space. Stretches of words are taken and given back. */
#ifndef WORD_SPACE_H
#define WORD_SPACE_H

#include <stddef.h>
#include <stdint.h>

struct word_gap {
	uint32_t first, nr;
};

struct word_space {
	struct word_gap *gaps; /* free stretches: ascending; no two touch */
	size_t nr, capacity;
};

/* Takes nr words from the first gap that holds them. Returns 0 or -ENOSPC. */
int word_space__take(struct word_space *space, uint32_t nr, uint32_t *first);

/*
 * Gives words back. An empty space begins with giving back all of them. None may be free already.
 * Returns 0, or -ENOMEM: then they stay taken.
 */
int word_space__give_back(struct word_space *space, uint32_t first, uint32_t nr);

uint64_t word_space__nr_free(const struct word_space *space);
void word_space__free(struct word_space *space);

#endif
