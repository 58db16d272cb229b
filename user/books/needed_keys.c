// SPDX-License-Identifier: GPL-2.0
/* See needed_keys.h. Both sweeps use it: dead_sweep.c for serials, process_sweep.c for PIDs. */
#include "books/needed_keys.h"

#include <errno.h>
#include <stdlib.h>

#include "books/snapshot.h"

static int by_value(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

/* Reads the living spaces first: a space that ends meanwhile is then found with the ended ones. */
int needed_keys__list(struct needed_keys *needed, const struct tracer_maps *maps,
		      struct ended_spaces *ended,
		      size_t (*keys_of)(const struct space *space, uint64_t *keys))
{
	struct space *live;
	size_t nr_live;
	int err = snapshot__read_live(maps, &live, &nr_live);

	*needed = (struct needed_keys){ 0 };
	if (err)
		return err;
	ended_spaces__take(ended, maps, true);
	needed->key =
		calloc(nr_live + ended->nr + 1, NEEDED_KEYS_OF_A_SPACE * sizeof(*needed->key));
	if (needed->key) {
		for (size_t i = 0; i < nr_live; i++)
			needed->nr += keys_of(&live[i], &needed->key[needed->nr]);
		for (size_t i = 0; i < ended->nr; i++)
			needed->nr += keys_of(&ended->space[i], &needed->key[needed->nr]);
		qsort(needed->key, needed->nr, sizeof(*needed->key), by_value);
	}
	free(live);
	return needed->key ? 0 : -ENOMEM;
}

void needed_keys__free(struct needed_keys *needed)
{
	free(needed->key);
	*needed = (struct needed_keys){ 0 };
}

bool needed_keys__has(const struct needed_keys *needed, uint64_t key)
{
	return needed->nr && bsearch(&key, needed->key, needed->nr, sizeof(key), by_value) != NULL;
}
