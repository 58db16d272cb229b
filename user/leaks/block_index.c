// SPDX-License-Identifier: GPL-2.0
/*
 * Blocks come from the block map, in any order and of a program that may lie; they leave sorted and
 * disjoint. The index is a tree of their starts without pointers: each level has the first of every
 * NODE_KEYS keys of the one below it, and a node is NODE_KEYS neighbours. So a search takes the
 * same few steps wherever the blocks lie.
 */
#include "leaks/block_index.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#define DIGIT_BITS 8
#define NR_DIGITS (1u << DIGIT_BITS)
/* As many blocks are sorted by moving each to its place, which is faster than counting digits. */
#define FEW_BLOCKS 16

/* Two cache lines of addresses. */
#define NODE_KEYS 16
/* Of 2^32 blocks, with a 16th of them on each level above the first. */
#define MAX_LEVELS 8

struct block_index {
	const struct leak_block *blocks;
	size_t nr;
	unsigned int nr_levels; /* 0 without blocks */
	const uint64_t *levels[MAX_LEVELS]; /* parts of keys, the widest first; whole nodes */
	uint64_t *keys;
	/* Bytes that a block takes. UINT32_MAX: as many or more; only the block has the number. */
	uint32_t *sizes;
};

/* A block of zero bytes takes its address, as one of a single byte does. */
static uint64_t taken_bytes(const struct leak_block *block)
{
	return block->size_bytes ? block->size_bytes : 1;
}

static bool wraps(const struct leak_block *block)
{
	return taken_bytes(block) > UINT64_MAX - block->address;
}

static size_t digit_of(const struct leak_block *block, unsigned int shift)
{
	return block->address >> shift & (NR_DIGITS - 1);
}

/*
 * Groups blocks by one digit of their addresses, in place: a block goes to the next place of its
 * group, the one that was there goes on to its own, until one belongs where the first was.
 */
static void group_by_digit(struct leak_block *blocks, size_t nr, unsigned int shift)
{
	size_t heads[NR_DIGITS], ends[NR_DIGITS] = { 0 }, sum = 0;

	for (size_t i = 0; i < nr; i++)
		ends[digit_of(&blocks[i], shift)]++;
	for (size_t digit = 0; digit < NR_DIGITS; digit++) {
		heads[digit] = sum;
		sum += ends[digit];
		ends[digit] = sum;
	}
	for (size_t digit = 0; digit < NR_DIGITS; digit++)
		while (heads[digit] < ends[digit]) {
			struct leak_block block = blocks[heads[digit]], other;
			size_t own;

			while ((own = digit_of(&block, shift)) != digit) {
				other = blocks[heads[own]];
				blocks[heads[own]++] = block;
				block = other;
			}
			blocks[heads[digit]++] = block;
		}
}

/* Groups by the next digit where more than a few blocks have all higher digits in common. */
static void group_further(struct leak_block *blocks, size_t nr, unsigned int shift)
{
	for (size_t begin = 0, end = 0; begin < nr; begin = end) {
		uint64_t common = blocks[begin].address >> shift >> DIGIT_BITS;

		while (end < nr && blocks[end].address >> shift >> DIGIT_BITS == common)
			end++;
		if (end - begin > FEW_BLOCKS)
			group_by_digit(&blocks[begin], end - begin, shift);
	}
}

/*
 * Sorts by digits from the highest that differs on, in place, until only groups of few or of equal
 * addresses are left unsorted. The time is bounded, unlike that of qsort(): the traced program
 * chooses the addresses.
 */
static void sort_by_address(struct leak_block *blocks, size_t nr)
{
	uint64_t differing = 0;

	for (size_t i = 1; i < nr; i++)
		differing |= blocks[i].address ^ blocks[0].address;
	for (unsigned int shift = 64; shift > 0;) {
		shift -= DIGIT_BITS;
		if (differing >> shift)
			group_further(blocks, nr, shift);
	}
	for (size_t i = 1; i < nr; i++) {
		struct leak_block block = blocks[i];
		size_t at = i;

		for (; at && blocks[at - 1].address > block.address; at--)
			blocks[at] = blocks[at - 1];
		blocks[at] = block;
	}
}

/*
 * Those that are kept never overlap, and the addresses go up, so the last of them is the only one
 * that a block can overlap. One that was dropped drops no others.
 */
static size_t drop_overlaps(struct leak_block *blocks, size_t nr)
{
	size_t nr_kept = 0;

	for (size_t i = 0; i < nr; i++) {
		const struct leak_block *last = &blocks[nr_kept ? nr_kept - 1 : 0];

		if (!nr_kept || blocks[i].address - last->address >= taken_bytes(last))
			blocks[nr_kept++] = blocks[i];
		else if (blocks[i].time_ns >= last->time_ns)
			blocks[nr_kept - 1] = blocks[i];
	}
	return nr_kept;
}

size_t block_index__sort(struct leak_block *blocks, size_t nr)
{
	size_t nr_kept = 0;

	for (size_t i = 0; i < nr; i++)
		if (!wraps(&blocks[i]))
			blocks[nr_kept++] = blocks[i];
	sort_by_address(blocks, nr_kept);
	return drop_overlaps(blocks, nr_kept);
}

static size_t nr_nodes(size_t nr_keys)
{
	return (nr_keys + NODE_KEYS - 1) / NODE_KEYS;
}

/* How many keys the level above one of nr_keys has. The top level is a single node. */
static size_t nr_above(size_t nr_keys)
{
	return nr_keys > NODE_KEYS ? nr_nodes(nr_keys) : 0;
}

static void fill_levels(struct block_index *index)
{
	const uint64_t *below = NULL;
	uint64_t *level = index->keys;

	for (size_t nr = index->nr; nr; nr = nr_above(nr)) {
		for (size_t i = 0; i < nr; i++)
			level[i] = below ? below[i * NODE_KEYS] : index->blocks[i].address;
		for (size_t i = nr; i < nr_nodes(nr) * NODE_KEYS; i++)
			level[i] = UINT64_MAX;
		index->levels[index->nr_levels++] = below = level;
		level += nr_nodes(nr) * NODE_KEYS;
	}
}

static void fill_sizes(struct block_index *index)
{
	for (size_t i = 0; i < index->nr; i++) {
		uint64_t bytes = taken_bytes(&index->blocks[i]);

		index->sizes[i] = bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
	}
}

struct block_index *block_index__new(const struct leak_block *blocks, size_t nr)
{
	/* Each level has a 16th of the nodes of the one below it, and maybe one that is not full. */
	size_t max_nodes = nr / (NODE_KEYS - 1) + MAX_LEVELS;
	struct block_index *index;

	if (nr > BLOCK_NONE) {
		errno = E2BIG;
		return NULL;
	}
	index = calloc(1, sizeof(*index));
	if (!index)
		return NULL;
	index->blocks = blocks;
	index->nr = nr;
	index->keys = malloc(max_nodes * NODE_KEYS * sizeof(*index->keys));
	index->sizes = malloc((nr + 1) * sizeof(*index->sizes)); /* a zero would be no allocation */
	if (!index->keys || !index->sizes) {
		block_index__free(index);
		errno = ENOMEM;
		return NULL;
	}
	fill_levels(index);
	fill_sizes(index);
	return index;
}

void block_index__free(struct block_index *index)
{
	if (!index)
		return;
	free(index->keys);
	free(index->sizes);
	free(index);
}

/*
 * Where in a node the last key is that is not above the address, or 0. No branch depends on what is
 * compared: so the processor begins one search while another waits for memory.
 */
static size_t last_up_to(const uint64_t *node, uint64_t address)
{
	size_t at = 0;

	at += node[at + 8] <= address ? 8 : 0;
	at += node[at + 4] <= address ? 4 : 0;
	at += node[at + 2] <= address ? 2 : 0;
	at += node[at + 1] <= address ? 1 : 0;
	return at;
}

_Static_assert(NODE_KEYS == 16, "last_up_to halves a node four times");

uint32_t block_index__find(const struct block_index *index, uint64_t address)
{
	uint64_t bytes;
	size_t at = 0;

	/* No block takes the last address: the keys that fill a node have it, and are above all. */
	if (!index->nr || address == UINT64_MAX)
		return BLOCK_NONE;
	for (unsigned int level = index->nr_levels; level-- > 0;)
		at = at * NODE_KEYS + last_up_to(&index->levels[level][at * NODE_KEYS], address);
	bytes = index->sizes[at];
	if (bytes == UINT32_MAX)
		bytes = taken_bytes(&index->blocks[at]);
	/* Below the first block this wraps around, to more than the block can have. */
	return address - index->levels[0][at] < bytes ? (uint32_t)at : BLOCK_NONE;
}
