/* SPDX-License-Identifier: GPL-2.0 */
/* Numbers of all address spaces that live, or have ended and wait for their report. */
#ifndef NEEDED_KEYS_H
#define NEEDED_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "books/ended_spaces.h"

#define NEEDED_KEYS_OF_A_SPACE (1 + WIRE_MAX_ANCESTORS)

struct needed_keys {
	uint64_t *key; /* ascending */
	size_t nr;
};

/*
 * Lists the numbers. keys_of writes the numbers of one space, at most NEEDED_KEYS_OF_A_SPACE, and
 * returns how many. Takes what has ended meanwhile into ended. Returns 0 or -errno;
 * needed_keys__free releases the list.
 */
int needed_keys__list(struct needed_keys *needed, const struct tracer_maps *maps,
		      struct ended_spaces *ended,
		      size_t (*keys_of)(const struct space *space, uint64_t *keys));
void needed_keys__free(struct needed_keys *needed);

bool needed_keys__has(const struct needed_keys *needed, uint64_t key);

#endif
