/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finds the entries of an array by what they are equal in: an open hash table of their numbers. The
 * array is the caller's, and only grows.
 */
#ifndef HASH_INDEX_H
#define HASH_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hash_index {
	uint32_t *slots; /* an entry's number plus 1, or 0 */
	size_t nr_slots; /* a power of 2, or 0 */
	/* Of the array that context is or has. */
	uint64_t (*hash)(const void *context, size_t entry);
	bool (*is_equal)(const void *context, size_t entry, const void *key);
};

/* Mixes one more number into a hash. */
static inline uint64_t hash_index__mix(uint64_t hash, uint64_t number)
{
	hash = (hash ^ number) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 32;
}

/*
 * Makes room for one entry more than nr. Returns 0 or -ENOMEM, after which the index is as it was.
 */
int hash_index__reserve(struct hash_index *index, const void *context, size_t nr);

/*
 * The slot of the entry that equals the key, which has that hash. It is 0 when there is none; to
 * add one, set it to the new entry's number plus 1. There must be room.
 */
uint32_t *hash_index__slot(const struct hash_index *index, const void *context, uint64_t hash,
			   const void *key);

/* Leaves an index without entries. */
void hash_index__clear(struct hash_index *index);

#endif
