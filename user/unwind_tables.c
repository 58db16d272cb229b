// SPDX-License-Identifier: GPL-2.0
/* See unwind_tables.h. */
#include "unwind_tables.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "unwind_rows.h"

#define CHUNK_WORDS (1u << UNWIND_CHUNK_BITS)
#define CHUNK_BYTES (CHUNK_WORDS * sizeof(uint32_t))
#define MAX_WORDS ((uint64_t)UNWIND_MAX_CHUNKS << UNWIND_CHUNK_BITS)
#define PAGE_OF_FILE(offset) ((uint32_t)((offset) >> UNWIND_PAGE_BITS))
#define RULE_SLOTS (2 * UNWIND_MAX_RULES)

struct unwind_tables {
	struct unwind_maps maps;
	uint32_t *chunk[UNWIND_MAX_CHUNKS]; /* mapped; NULL: not made yet */
	uint64_t nr_words; /* in use */
	bool detached;
	struct unwind_file_key *files; /* by id - 1 */
	uint32_t nr_files, files_capacity;
	uint32_t nr_refused; /* files, for want of room */
	struct unwind_rule *rules; /* as in the map */
	uint32_t nr_rules;
	uint32_t *rule_slots; /* hash table: index of a rule, + 1; 0: free */
};

/* Of two equal rules, one. A rule that finds no room is one that can't be followed. */
static int add_rule(struct unwind_tables *tables, const struct unwind_rule *rule, uint32_t *index)
{
	const unsigned char *byte = (const unsigned char *)rule;
	uint32_t hash = 2166136261u, slot; /* FNV-1a */

	for (size_t i = 0; i < sizeof(*rule); i++)
		hash = (hash ^ byte[i]) * 16777619u;
	for (slot = hash % RULE_SLOTS; tables->rule_slots[slot]; slot = (slot + 1) % RULE_SLOTS) {
		*index = tables->rule_slots[slot] - 1;
		if (!memcmp(&tables->rules[*index], rule, sizeof(*rule)))
			return 0;
	}
	*index = UNWIND_CFA_BAD; /* the rules of __new */
	if (tables->nr_rules == UNWIND_MAX_RULES)
		return 0;
	if (bpf_map_update_elem(tables->maps.rules, &tables->nr_rules, rule, BPF_ANY))
		return -errno;
	tables->rules[tables->nr_rules] = *rule;
	*index = tables->nr_rules++;
	tables->rule_slots[slot] = *index + 1;
	return 0;
}

/* The rules without operands have their own values for numbers. */
static int add_plain_rules(struct unwind_tables *tables)
{
	int err = 0;

	for (uint32_t cfa = 0; cfa <= UNWIND_CFA_BAD && !err; cfa++) {
		struct unwind_rule rule = { .cfa = (uint8_t)cfa };
		uint32_t index;

		err = add_rule(tables, &rule, &index);
	}
	return err;
}

struct unwind_tables *unwind_tables__new(const struct unwind_maps *maps)
{
	struct unwind_tables *tables = calloc(1, sizeof(*tables));

	if (!tables)
		return NULL;
	tables->maps = *maps;
	tables->rules = calloc(UNWIND_MAX_RULES, sizeof(*tables->rules));
	tables->rule_slots = calloc(RULE_SLOTS, sizeof(*tables->rule_slots));
	if (!tables->rules || !tables->rule_slots || add_plain_rules(tables)) {
		unwind_tables__free(tables);
		return NULL;
	}
	return tables;
}

void unwind_tables__detach(struct unwind_tables *tables)
{
	if (!tables)
		return;
	for (size_t i = 0; i < UNWIND_MAX_CHUNKS; i++)
		if (tables->chunk[i])
			munmap(tables->chunk[i], CHUNK_BYTES);
	memset(tables->chunk, 0, sizeof(tables->chunk));
	tables->detached = true;
}

void unwind_tables__free(struct unwind_tables *tables)
{
	if (!tables)
		return;
	unwind_tables__detach(tables);
	free(tables->files);
	free(tables->rules);
	free(tables->rule_slots);
	free(tables);
}

/* ---- room for words ---- */

static int make_chunk(struct unwind_tables *tables, uint32_t number)
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
	else if (bpf_map_update_elem(tables->maps.chunks, &number, &fd, BPF_ANY))
		err = -errno;
	if (!err)
		tables->chunk[number] = words;
	else if (words != MAP_FAILED)
		munmap(words, CHUNK_BYTES);
	close(fd);
	return err;
}

/* Makes room for nr words; *first is where they are. Taken by take_words. */
static int reserve_words(struct unwind_tables *tables, uint64_t nr, uint32_t *first)
{
	uint64_t end = tables->nr_words + nr;

	if (end > MAX_WORDS)
		return -ENOSPC;
	for (uint64_t i = tables->nr_words >> UNWIND_CHUNK_BITS; i << UNWIND_CHUNK_BITS < end;
	     i++) {
		int err = tables->chunk[i] ? 0 : make_chunk(tables, (uint32_t)i);

		if (err)
			return err;
	}
	*first = (uint32_t)tables->nr_words;
	return 0;
}

static void set_word(const struct unwind_tables *tables, uint32_t index, uint32_t word)
{
	tables->chunk[index >> UNWIND_CHUNK_BITS][index & (CHUNK_WORDS - 1)] = word;
}

/* ---- a file ---- */

/* How many words the table takes: the pages, the rows, and a row at the start of each page. */
static uint64_t nr_words_of(const struct unwind_rows *rows, uint32_t nr_pages)
{
	return (uint64_t)nr_pages + 1 + rows->nr + nr_pages;
}

static int write_rows(struct unwind_tables *tables, const struct unwind_rows *rows, uint32_t first,
		      uint32_t nr_pages)
{
	uint32_t at = nr_pages + 1, inherited = UNWIND_CFA_FRAME_POINTER;
	size_t row = 0;

	for (uint32_t page = 0; page < nr_pages; page++) {
		uint64_t start = (uint64_t)page << UNWIND_PAGE_BITS;

		set_word(tables, first + page, at);
		if (row == rows->nr || rows->row[row].file_offset != start)
			set_word(tables, first + at++, inherited);
		for (; row < rows->nr && PAGE_OF_FILE(rows->row[row].file_offset) == page; row++) {
			int err = add_rule(tables, &rows->row[row].rule, &inherited);

			if (err)
				return err;
			set_word(tables, first + at++,
				 (uint32_t)(rows->row[row].file_offset - start) << 16 | inherited);
		}
	}
	set_word(tables, first + nr_pages, at);
	tables->nr_words = (uint64_t)first + at;
	return 0;
}

static int load_rows(struct unwind_tables *tables, const struct unwind_rows *rows,
		     struct unwind_file *file)
{
	uint32_t nr_pages;
	int err;

	/* A single rule for all is the one that files without tables have, or none. */
	if (rows->nr <= 1)
		return 0;
	if (rows->row[rows->nr - 1].file_offset >> UNWIND_PAGE_BITS >= MAX_WORDS)
		return -ENOSPC;
	nr_pages = PAGE_OF_FILE(rows->row[rows->nr - 1].file_offset) + 1;
	err = reserve_words(tables, nr_words_of(rows, nr_pages), &file->first_word);
	if (!err)
		err = write_rows(tables, rows, file->first_word, nr_pages);
	if (!err)
		file->nr_pages = nr_pages;
	return err;
}

static int add_file(struct unwind_tables *tables, const struct unwind_file_key *key)
{
	struct unwind_file_key *grown = tables->files;

	if (tables->nr_files == UNWIND_MAX_FILES - 1)
		return -ENOSPC;
	if (tables->nr_files == tables->files_capacity) {
		uint32_t capacity = tables->files_capacity ? 2 * tables->files_capacity : 64;

		grown = realloc(grown, capacity * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		tables->files = grown;
		tables->files_capacity = capacity;
	}
	tables->files[tables->nr_files++] = *key;
	return 0;
}

bool unwind_tables__has(const struct unwind_tables *tables, const struct unwind_file_key *key)
{
	for (uint32_t i = 0; i < tables->nr_files; i++)
		if (!memcmp(&tables->files[i], key, sizeof(*key)))
			return true;
	return false;
}

int unwind_tables__add(struct unwind_tables *tables, const struct unwind_file_key *key, int fd)
{
	struct unwind_rows rows = { 0 };
	struct unwind_file file = { 0 };
	int err, result;

	if (tables->detached || unwind_tables__has(tables, key))
		return 0;
	result = unwind_rows__of_file(fd, &rows);
	if (!result) {
		result = load_rows(tables, &rows, &file);
		unwind_rows__free(&rows);
	}
	if (result == -ENOMEM)
		return result;
	/* What can't be had of a file now can't be had later. */
	err = add_file(tables, key);
	tables->nr_refused += result == -ENOSPC || err == -ENOSPC;
	if (err)
		return err;
	file.id = tables->nr_files;
	if (bpf_map_update_elem(tables->maps.files, key, &file, BPF_ANY))
		return -errno;
	return result == -ENOSPC ? result : 0;
}

static uint32_t word_at(const struct unwind_tables *tables, uint32_t index)
{
	return tables->chunk[index >> UNWIND_CHUNK_BITS][index & (CHUNK_WORDS - 1)];
}

static const struct unwind_rule *rule_at(const struct unwind_tables *tables,
					 const struct unwind_file *file, uint64_t offset)
{
	uint32_t page = PAGE_OF_FILE(offset), wanted = offset & ((1u << UNWIND_PAGE_BITS) - 1);
	uint32_t low, high;

	if (page >= file->nr_pages)
		return &tables->rules[UNWIND_CFA_FRAME_POINTER];
	low = file->first_word + word_at(tables, file->first_word + page);
	high = file->first_word + word_at(tables, file->first_word + page + 1);
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (word_at(tables, middle) >> 16 <= wanted)
			low = middle;
		else
			high = middle;
	}
	return &tables->rules[word_at(tables, low) & 0xffff];
}

int unwind_tables__find(const struct unwind_tables *tables, const struct unwind_file_key *key,
			uint64_t offset, uint32_t *file_id, struct unwind_rule *rule)
{
	struct unwind_file file;

	if (tables->detached || bpf_map_lookup_elem(tables->maps.files, key, &file) || !file.id)
		return -ENOENT;
	*file_id = file.id;
	*rule = *rule_at(tables, &file, offset);
	return 0;
}

void unwind_tables__forget_request(struct unwind_tables *tables, const struct unwind_file_key *key)
{
	if (!unwind_tables__has(tables, key))
		bpf_map_delete_elem(tables->maps.files, key);
}

const struct unwind_file_key *unwind_tables__file(const struct unwind_tables *tables, uint32_t id)
{
	return id && id <= tables->nr_files ? &tables->files[id - 1] : NULL;
}

uint32_t unwind_tables__nr_refused(const struct unwind_tables *tables)
{
	return tables->nr_refused;
}

uint64_t unwind_tables__bytes(const struct unwind_tables *tables)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < UNWIND_MAX_CHUNKS; i++)
		bytes += tables->chunk[i] ? CHUNK_BYTES : 0;
	return bytes;
}
