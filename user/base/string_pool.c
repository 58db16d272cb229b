// SPDX-License-Identifier: GPL-2.0
/*
 * A hash table with open addressing, of pointers into chunks of text. The symbolizer puts function,
 * file and module names in; reports hold the pointers. The names come from hostile files: the hash
 * is keyed, so that nobody can prepare names that all collide.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/string_pool.h"

#define CHUNK_BYTES (64 * 1024)

struct chunk {
	struct chunk *next;
	size_t used, size_bytes;
	char text[];
};

struct entry {
	uint64_t hash;
	const char *text; /* NULL: free */
};

struct string_pool {
	struct chunk *chunks;
	struct entry *entries;
	size_t nr, capacity; /* capacity is a power of two, or 0 */
	uint64_t max_bytes, bytes; /* of the chunks */
	uint64_t key[2];
};

struct string_pool *string_pool__new(uint64_t max_bytes)
{
	struct string_pool *pool = calloc(1, sizeof(*pool));

	/* Without entropy the pool is slower under attack, not wrong. */
	if (pool && getrandom(pool->key, sizeof(pool->key), GRND_NONBLOCK) < 0)
		pool->key[0] = (uintptr_t)pool;
	if (pool)
		pool->max_bytes = max_bytes;
	return pool;
}

void string_pool__free(struct string_pool *pool)
{
	if (!pool)
		return;
	while (pool->chunks) {
		struct chunk *chunk = pool->chunks;

		pool->chunks = chunk->next;
		free(chunk);
	}
	free(pool->entries);
	free(pool);
}

uint64_t string_pool__bytes(const struct string_pool *pool)
{
	return pool->bytes;
}

static uint64_t fold_multiply(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_text(const struct string_pool *pool, const char *text, size_t length)
{
	uint64_t hash = pool->key[0] ^ length;

	for (size_t i = 0; i < length; i += sizeof(uint64_t)) {
		uint64_t word = 0;

		memcpy(&word, text + i, length - i < sizeof(word) ? length - i : sizeof(word));
		hash = fold_multiply(hash ^ word ^ 0x9e3779b97f4a7c15, pool->key[1] | 1);
	}
	return fold_multiply(hash ^ 0xa0761d6478bd642f, 0xe7037ed1a0b428db);
}

static struct entry *find_entry(struct entry *entries, size_t capacity, uint64_t hash,
				const char *text)
{
	size_t i = hash & (capacity - 1);

	while (entries[i].text && (entries[i].hash != hash || strcmp(entries[i].text, text)))
		i = (i + 1) & (capacity - 1);
	return &entries[i];
}

static int grow(struct string_pool *pool)
{
	size_t capacity = pool->capacity ? pool->capacity * 2 : 256;
	struct entry *entries = calloc(capacity, sizeof(*entries));

	if (!entries)
		return -1;
	for (size_t i = 0; i < pool->capacity; i++) {
		const struct entry *old = &pool->entries[i];

		if (old->text)
			*find_entry(entries, capacity, old->hash, old->text) = *old;
	}
	free(pool->entries);
	pool->entries = entries;
	pool->capacity = capacity;
	return 0;
}

static char *store_text(struct string_pool *pool, const char *text, size_t length)
{
	struct chunk *chunk = pool->chunks;
	char *stored;

	if (!chunk || chunk->size_bytes - chunk->used <= length) {
		size_t size_bytes = length < CHUNK_BYTES ? CHUNK_BYTES : length + 1;

		if (size_bytes > pool->max_bytes - pool->bytes)
			return NULL;
		chunk = malloc(sizeof(*chunk) + size_bytes);
		if (!chunk)
			return NULL;
		chunk->next = pool->chunks;
		chunk->used = 0;
		chunk->size_bytes = size_bytes;
		pool->chunks = chunk;
		pool->bytes += size_bytes;
	}
	stored = chunk->text + chunk->used;
	memcpy(stored, text, length + 1);
	chunk->used += length + 1;
	return stored;
}

const char *string_pool__intern(struct string_pool *pool, const char *text)
{
	size_t length = strlen(text);
	uint64_t hash = hash_text(pool, text, length);
	struct entry *entry;

	if (pool->nr >= pool->capacity / 4 * 3 && grow(pool))
		return NULL;
	entry = find_entry(pool->entries, pool->capacity, hash, text);
	if (!entry->text) {
		char *stored = store_text(pool, text, length);

		if (!stored)
			return NULL;
		entry->hash = hash;
		entry->text = stored;
		pool->nr++;
	}
	return entry->text;
}
