// SPDX-License-Identifier: GPL-2.0
/* See old_chunks.h. Used by leak_classify.c. */
#include "leaks/old_chunks.h"

#include <errno.h>
#include <stdlib.h>

#include "leaks/chunk_walk.h"

int old_chunks__init(struct old_chunks *old, const struct chunk_list *chunks,
		     const struct leak_block *known, size_t nr_known)
{
	size_t next = 0;

	*old = (struct old_chunks){ 0 };
	if (!chunks->nr)
		return 0;
	old->list = malloc(chunks->nr * sizeof(*old->list));
	old->chunks = malloc(chunks->nr * sizeof(*old->chunks));
	if (!old->list || !old->chunks)
		return -ENOMEM;
	for (size_t i = 0; i < chunks->nr; i++) {
		const struct used_chunk *chunk = &chunks->list[i];

		while (next < nr_known &&
		       known[next].address + known[next].size_bytes <= chunk->address)
			next++;
		if (next < nr_known && known[next].address < chunk->address + chunk->bytes)
			continue;
		old->chunks[old->nr] = chunk;
		old->list[old->nr++] = (struct leak_block){
			.address = chunk->address,
			.size_bytes = chunk->bytes,
		};
	}
	old->index = block_index__new(old->list, old->nr);
	return old->index ? 0 : -errno;
}

void old_chunks__free(struct old_chunks *old)
{
	block_index__free(old->index);
	free(old->list);
	free(old->chunks);
	*old = (struct old_chunks){ 0 };
}

uint32_t old_chunks__find(const struct old_chunks *old, uint64_t address)
{
	return old->index ? block_index__find(old->index, address) : BLOCK_NONE;
}

uint32_t old_chunks__find_header(const struct old_chunks *old, uint64_t address)
{
	uint32_t chunk;

	if (address > UINT64_MAX - CHUNK_HEADER_BYTES)
		return BLOCK_NONE;
	chunk = old_chunks__find(old, address + CHUNK_HEADER_BYTES);
	return chunk != BLOCK_NONE && old->list[chunk].address == address + CHUNK_HEADER_BYTES ?
		       chunk :
		       BLOCK_NONE;
}

/* Since glibc 2.32 a link is mangled with the address that it lies at (PROTECT_PTR). */
static bool ends_list(const struct old_chunks *old, uint32_t index)
{
	return old->chunks[index]->first_word == old->chunks[index]->address >> 12;
}

static uint32_t find_linked(const struct old_chunks *old, uint32_t index)
{
	const struct used_chunk *chunk = old->chunks[index];
	uint64_t link = chunk->first_word ^ chunk->address >> 12;
	uint32_t next;

	if (link % CHUNK_ALIGNMENT)
		return BLOCK_NONE;
	next = old_chunks__find_header(old, link);
	if (next == BLOCK_NONE) {
		next = old_chunks__find(old, link);
		if (next == BLOCK_NONE || old->list[next].address != link)
			return BLOCK_NONE;
	}
	return next != index && old->list[next].size_bytes == chunk->bytes ? next : BLOCK_NONE;
}

uint32_t old_chunks__next_in_list(const struct old_chunks *old, uint32_t index)
{
	uint32_t next = find_linked(old, index);

	if (next == BLOCK_NONE || ends_list(old, next))
		return next;
	return find_linked(old, next) != BLOCK_NONE ? next : BLOCK_NONE;
}

static bool read_word(const struct memory_reader *memory, uint64_t address, uint64_t *word)
{
	return memory_reader__all(memory, address, word, sizeof(*word));
}

/* The user's part begins after the chunk's own size, and ends before that of the next one. */
bool old_chunks__is_unchanged(const struct old_chunks *old, size_t index,
			      const struct memory_reader *memory)
{
	const struct used_chunk *chunk = old->chunks[index];
	uint64_t size, first_word, next_size;

	return read_word(memory, chunk->address - CHUNK_OVERHEAD_BYTES, &size) &&
	       read_word(memory, chunk->address, &first_word) &&
	       read_word(memory, chunk->address + chunk->bytes, &next_size) &&
	       (size & ~(uint64_t)CHUNK_FLAGS) == chunk->bytes + CHUNK_OVERHEAD_BYTES &&
	       next_size & CHUNK_PREVIOUS_IN_USE && first_word == chunk->first_word;
}
