// SPDX-License-Identifier: GPL-2.0
/*
 * The conditions of heuristic_reachedness in Valgrind 3.19 (memcheck/mc_leakcheck.c), in its order.
 * The block's bytes come from the process; the classification asks for each pointer into the middle
 * of a block.
 */
#include "leaks/heuristics.h"

#include <stdint.h>

#define WORD_BYTES 8
#define PAGE_BYTES 4096
#define VTABLE_MAX_WORDS 20
#define VTABLE_MIN_FUNCTIONS 2

/* A pointer into one block, and what the rules look at. */
struct inner_pointer {
	const struct leak_block *block;
	uint64_t pointer;
	const struct memory_reader *memory;
	const struct process_areas *areas;
};

static bool read_word(const struct inner_pointer *inner, uint64_t address, uint64_t *word)
{
	return memory_reader__all(inner->memory, address, word, sizeof(*word));
}

/* libstdc++'s old string: length, capacity, a count of references, then the characters and a 0. */
static bool is_string(const struct inner_pointer *inner)
{
	const struct leak_block *block = inner->block;
	uint64_t length, capacity;

	return inner->pointer - block->address == 3 * WORD_BYTES &&
	       read_word(inner, block->address + WORD_BYTES, &capacity) &&
	       3 * WORD_BYTES + capacity + 1 == block->size_bytes &&
	       read_word(inner, block->address, &length) && length <= capacity;
}

/* The size of the rest comes first, as in sqlite's memory. */
static bool is_after_length(const struct inner_pointer *inner)
{
	const struct leak_block *block = inner->block;
	uint64_t length;

	return inner->pointer - block->address == WORD_BYTES &&
	       read_word(inner, block->address, &length) && length &&
	       block->size_bytes - WORD_BYTES == length;
}

/* new[] of a class with a destructor: the number of items comes first. */
static bool is_array(const struct inner_pointer *inner)
{
	const struct leak_block *block = inner->block;
	uint64_t nr_items;

	return inner->pointer - block->address == WORD_BYTES &&
	       read_word(inner, block->address, &nr_items) && nr_items &&
	       (block->size_bytes - WORD_BYTES) % nr_items == 0;
}

static const struct area *find_file_area(const struct inner_pointer *inner, uint64_t address)
{
	const struct area *area = process_areas__find(inner->areas, address);

	return area && area->kind == AREA_FILE ? area : NULL;
}

/*
 * Whether a file's memory begins there with functions' addresses: two before anything else but
 * zeros. Valgrind leaves out the last word of a mapping, too.
 */
static bool is_vtable(const struct inner_pointer *inner, uint64_t address)
{
	const struct area *area = find_file_area(inner, address);
	uint64_t words[VTABLE_MAX_WORDS + 1], nr_bytes = sizeof(words);
	unsigned int nr_functions = 0;

	if (!area || !area->readable)
		return false;
	if (nr_bytes > area->end - address - WORD_BYTES)
		nr_bytes = area->end - address - WORD_BYTES;
	if (!memory_reader__all(inner->memory, address, words, nr_bytes))
		return false;
	for (size_t i = 0; i < nr_bytes / WORD_BYTES; i++) {
		const struct area *code;

		if (!words[i])
			continue;
		code = find_file_area(inner, words[i]);
		if (!code || !code->executable)
			return false;
		if (++nr_functions == VTABLE_MIN_FUNCTIONS)
			return true;
	}
	return false;
}

/* Small numbers are no addresses of vtables; most words end here. */
static bool may_be_vtable(uint64_t address)
{
	return address % WORD_BYTES == 0 && address >= PAGE_BYTES;
}

/* An object of a class with several parents begins with a vtable, and so does each parent in it. */
static bool is_parent(const struct inner_pointer *inner)
{
	const struct leak_block *block = inner->block;
	uint64_t first, offset = inner->pointer - block->address, vtable;

	if (inner->pointer % WORD_BYTES || offset + WORD_BYTES > block->size_bytes)
		return false;
	return read_word(inner, inner->pointer, &vtable) && may_be_vtable(vtable) &&
	       read_word(inner, block->address, &first) && may_be_vtable(first) &&
	       is_vtable(inner, vtable) && is_vtable(inner, first);
}

enum leak_heuristic heuristics__match(unsigned int allowed, const struct leak_block *block,
				      uint64_t pointer, const struct memory_reader *memory,
				      const struct process_areas *areas)
{
	static bool (*const rules[NR_LEAK_HEURISTICS])(const struct inner_pointer *inner) = {
		[HEURISTIC_STDSTRING] = is_string,
		[HEURISTIC_LENGTH64] = is_after_length,
		[HEURISTIC_NEWARRAY] = is_array,
		[HEURISTIC_MULTIPLE_INHERITANCE] = is_parent,
	};
	const struct inner_pointer inner = { block, pointer, memory, areas };

	/* Words of a block are aligned, or none of its words is valid. */
	if (block->address % WORD_BYTES || pointer <= block->address ||
	    pointer - block->address >= block->size_bytes)
		return NR_LEAK_HEURISTICS;
	for (unsigned int i = 0; i < NR_LEAK_HEURISTICS; i++) {
		if (allowed & LEAK_HEURISTIC_BIT(i) && rules[i](&inner))
			return i;
	}
	return NR_LEAK_HEURISTICS;
}
