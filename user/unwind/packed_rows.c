// SPDX-License-Identifier: GPL-2.0
/* See packed_rows.h. word_space.c knows which words are free. */
#include "unwind/packed_rows.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bpf/unwind_search.h"
#include "unwind/word_space.h"

#define CHUNK_WORDS (1u << UNWIND_CHUNK_BITS)
#define CHUNK_BYTES (CHUNK_WORDS * sizeof(uint32_t))
#define PAGE_OF_FILE(offset) ((uint32_t)((offset) >> UNWIND_PAGE_BITS))
#define RULE_SLOTS (2 * UNWIND_MAX_RULES)

struct packed_rows {
	int chunks_map, rules_map;
	uint32_t *chunk[UNWIND_MAX_CHUNKS]; /* mapped; NULL: not made yet */
	int first_chunk_fd; /* kept for packed_rows__wait_for_walks; < 0: not made yet */
	struct word_space words;
	struct unwind_rule *rules; /* as in the map */
	uint32_t nr_rules;
	uint32_t *rule_slots; /* hash table: index of a rule, + 1; 0: free */
};

/* Equal rules are kept once. A rule that finds no room becomes UNWIND_CFA_BAD. */
static int add_rule(struct packed_rows *packed, const struct unwind_rule *rule, uint32_t *index)
{
	const unsigned char *byte = (const unsigned char *)rule;
	uint32_t hash = 2166136261u, slot; /* FNV-1a */

	for (size_t i = 0; i < sizeof(*rule); i++)
		hash = (hash ^ byte[i]) * 16777619u;
	for (slot = hash % RULE_SLOTS; packed->rule_slots[slot]; slot = (slot + 1) % RULE_SLOTS) {
		*index = packed->rule_slots[slot] - 1;
		if (!memcmp(&packed->rules[*index], rule, sizeof(*rule)))
			return 0;
	}
	*index = UNWIND_CFA_BAD; /* its index, too: see add_plain_rules */
	if (packed->nr_rules == UNWIND_MAX_RULES)
		return 0;
	if (bpf_map_update_elem(packed->rules_map, &packed->nr_rules, rule, BPF_ANY))
		return -errno;
	packed->rules[packed->nr_rules] = *rule;
	*index = packed->nr_rules++;
	packed->rule_slots[slot] = *index + 1;
	return 0;
}

/* A rule without operands has its enum unwind_cfa as its index. */
static int add_plain_rules(struct packed_rows *packed)
{
	int err = 0;

	for (uint32_t cfa = 0; cfa <= UNWIND_CFA_BAD && !err; cfa++) {
		struct unwind_rule rule = { .cfa = (uint8_t)cfa };
		uint32_t index;

		err = add_rule(packed, &rule, &index);
	}
	return err;
}

struct packed_rows *packed_rows__new(int chunks_map, int rules_map)
{
	struct packed_rows *packed = calloc(1, sizeof(*packed));

	if (!packed)
		return NULL;
	packed->chunks_map = chunks_map;
	packed->rules_map = rules_map;
	packed->first_chunk_fd = -1;
	packed->rules = calloc(UNWIND_MAX_RULES, sizeof(*packed->rules));
	packed->rule_slots = calloc(RULE_SLOTS, sizeof(*packed->rule_slots));
	if (!packed->rules || !packed->rule_slots ||
	    word_space__give_back(&packed->words, 0, PACKED_ROWS_MAX_WORDS) ||
	    add_plain_rules(packed)) {
		packed_rows__free(packed);
		return NULL;
	}
	return packed;
}

void packed_rows__detach(struct packed_rows *packed)
{
	if (!packed)
		return;
	for (size_t i = 0; i < UNWIND_MAX_CHUNKS; i++)
		if (packed->chunk[i])
			munmap(packed->chunk[i], CHUNK_BYTES);
	memset(packed->chunk, 0, sizeof(packed->chunk));
	if (packed->first_chunk_fd >= 0)
		close(packed->first_chunk_fd);
	packed->first_chunk_fd = -1;
}

void packed_rows__free(struct packed_rows *packed)
{
	if (!packed)
		return;
	packed_rows__detach(packed);
	free(packed->rules);
	free(packed->rule_slots);
	word_space__free(&packed->words);
	free(packed);
}

static int make_chunk(struct packed_rows *packed, uint32_t number)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "unwind_chunk", sizeof(uint32_t),
				sizeof(struct unwind_words), UNWIND_ELEMENTS, &options);
	void *words;
	int err = 0;

	if (fd < 0)
		return fd;
	words = mmap(NULL, CHUNK_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (words == MAP_FAILED)
		err = -errno;
	else if (bpf_map_update_elem(packed->chunks_map, &number, &fd, BPF_ANY))
		err = -errno;
	if (!err)
		packed->chunk[number] = words;
	else if (words != MAP_FAILED)
		munmap(words, CHUNK_BYTES);
	if (!err && !number)
		packed->first_chunk_fd = fd;
	else
		close(fd);
	return err;
}

/* Takes nr words from *first on, and makes the chunks that hold them. */
static int take_words(struct packed_rows *packed, uint64_t nr, uint32_t *first)
{
	int err = nr <= PACKED_ROWS_MAX_WORDS ?
			  word_space__take(&packed->words, (uint32_t)nr, first) :
			  -ENOSPC;

	if (err)
		return err;
	for (uint64_t i = *first >> UNWIND_CHUNK_BITS; i << UNWIND_CHUNK_BITS < *first + nr && !err;
	     i++)
		err = packed->chunk[i] ? 0 : make_chunk(packed, (uint32_t)i);
	if (err)
		word_space__give_back(&packed->words, *first, (uint32_t)nr);
	return err;
}

static void set_word(const struct packed_rows *packed, uint32_t index, uint32_t word)
{
	packed->chunk[index >> UNWIND_CHUNK_BITS][index & (CHUNK_WORDS - 1)] = word;
}

/*
 * How many words the table takes: one for each page, one for the end, one for each row, and one
 * for each page that does not start with a row of its own.
 */
static uint64_t nr_words_of(const struct unwind_rows *rows, uint32_t nr_pages)
{
	uint64_t nr_at_starts = 0;

	for (size_t i = 0; i < rows->nr; i++)
		nr_at_starts += !(rows->row[i].file_offset & ((1u << UNWIND_PAGE_BITS) - 1));
	return (uint64_t)nr_pages + 1 + rows->nr + nr_pages - nr_at_starts;
}

static int write_rows(struct packed_rows *packed, const struct unwind_rows *rows, uint32_t first,
		      uint32_t nr_pages)
{
	uint32_t at = nr_pages + 1, inherited = UNWIND_CFA_FRAME_POINTER;
	size_t row = 0;

	for (uint32_t page = 0; page < nr_pages; page++) {
		uint64_t start = (uint64_t)page << UNWIND_PAGE_BITS;

		set_word(packed, first + page, at);
		if (row == rows->nr || rows->row[row].file_offset != start)
			set_word(packed, first + at++, inherited);
		for (; row < rows->nr && PAGE_OF_FILE(rows->row[row].file_offset) == page; row++) {
			int err = add_rule(packed, &rows->row[row].rule, &inherited);

			if (err)
				return err;
			set_word(packed, first + at++,
				 (uint32_t)(rows->row[row].file_offset - start) << 16 | inherited);
		}
	}
	set_word(packed, first + nr_pages, at);
	return 0;
}

int packed_rows__add(struct packed_rows *packed, const struct unwind_rows *rows,
		     struct unwind_file *file, uint32_t *nr_words)
{
	uint32_t nr_pages, nr;
	int err;

	/* A single row is UNWIND_CFA_FRAME_POINTER, as without a table; no row means no code. */
	if (rows->nr <= 1)
		return 0;
	if (rows->row[rows->nr - 1].file_offset >> UNWIND_PAGE_BITS >= PACKED_ROWS_MAX_WORDS / 2)
		return -ENOSPC;
	nr_pages = PAGE_OF_FILE(rows->row[rows->nr - 1].file_offset) + 1;
	nr = (uint32_t)nr_words_of(rows, nr_pages);
	err = take_words(packed, nr, &file->first_word);
	if (err)
		return err;
	err = write_rows(packed, rows, file->first_word, nr_pages);
	if (err) {
		word_space__give_back(&packed->words, file->first_word, nr);
		return err;
	}
	file->nr_pages = nr_pages;
	*nr_words = nr;
	return 0;
}

static uint32_t word_at(const void *context, uint32_t index)
{
	const struct packed_rows *packed = context;

	return packed->chunk[index >> UNWIND_CHUNK_BITS][index & (CHUNK_WORDS - 1)];
}

const struct unwind_rule *packed_rows__find(const struct packed_rows *packed,
					    const struct unwind_file *file, uint64_t offset)
{
	uint32_t index = PAGE_OF_FILE(offset) < file->nr_pages ?
				 unwind_search(word_at, packed, file->first_word, offset) :
				 UNWIND_CFA_FRAME_POINTER;

	return &packed->rules[index];
}

void packed_rows__give_back(struct packed_rows *packed, uint32_t first_word, uint32_t nr_words)
{
	word_space__give_back(&packed->words, first_word, nr_words);
}

uint64_t packed_rows__nr_free_words(const struct packed_rows *packed)
{
	return word_space__nr_free(&packed->words);
}

/*
 * An update of a map of maps returns when all programs that ran before it have ended
 * (maybe_wait_bpf_programs in kernel/bpf/syscall.c). The update writes the first chunk into its own
 * place, which changes nothing.
 */
int packed_rows__wait_for_walks(struct packed_rows *packed)
{
	uint32_t number = 0;

	if (packed->first_chunk_fd < 0)
		return make_chunk(packed, number);
	return bpf_map_update_elem(packed->chunks_map, &number, &packed->first_chunk_fd, BPF_ANY) ?
		     -errno :
		     0;
}
