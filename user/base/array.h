/* SPDX-License-Identifier: GPL-2.0 */
/* Arrays that grow: the items, how many there are, and the capacity, which is 0 at first. */
#ifndef ARRAY_H
#define ARRAY_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The smallest array that is allocated. */
#define ARRAY_MIN_CAPACITY 4

/* For items whose size only the caller knows. items: the address of the pointer to the first. */
static inline int array__reserve_sized(void *items, size_t *capacity, size_t nr, size_t item_bytes)
{
	size_t wanted = 2 * *capacity; /* a wrapped product is below nr */
	void *grown;

	if (nr <= *capacity)
		return 0;
	if (wanted < ARRAY_MIN_CAPACITY)
		wanted = ARRAY_MIN_CAPACITY;
	if (wanted < nr)
		wanted = nr;
	if (wanted > SIZE_MAX / item_bytes)
		return -ENOMEM;
	memcpy(&grown, items, sizeof(grown));
	/* cppcheck-suppress memleakOnRealloc; the caller keeps the old items */
	grown = realloc(grown, wanted * item_bytes);
	if (!grown)
		return -ENOMEM;
	memcpy(items, &grown, sizeof(grown));
	*capacity = wanted;
	return 0;
}

/*
 * Makes room for nr items in all: the capacity is doubled, or becomes nr where that is more. items
 * is the address of the pointer to the first item, which may move; the caller frees it. New items
 * are not initialized. Returns 0, or -ENOMEM, and then nothing has changed.
 */
#define array__reserve(items, capacity, nr) \
	array__reserve_sized(items, capacity, nr, sizeof(**(items)))

#endif
