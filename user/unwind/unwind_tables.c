// SPDX-License-Identifier: GPL-2.0
/* See unwind_tables.h. */
#include "unwind/unwind_tables.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/array.h"
#include "bpf/unwind_search.h"
#include "unwind/unwind_rows.h"
#include "unwind/word_space.h"

#define CHUNK_WORDS (1u << UNWIND_CHUNK_BITS)
#define CHUNK_BYTES (CHUNK_WORDS * sizeof(uint32_t))
#define MAX_WORDS ((uint64_t)UNWIND_MAX_CHUNKS << UNWIND_CHUNK_BITS)
#define PAGE_OF_FILE(offset) ((uint32_t)((offset) >> UNWIND_PAGE_BITS))
#define RULE_SLOTS (2 * UNWIND_MAX_RULES)
#define FILE_SLOTS (2 * UNWIND_MAX_IDS)

/*
 * The tables are crowded when less than 1/FREE_PART of some room is free. Letting go of tables is
 * worth it for 1/WORTHY_PART.
 */
#define FREE_PART 4
#define WORTHY_PART 64

enum file_state {
	FILE_UNUSED, /* the number means nothing */
	FILE_LET_GO, /* BPF has forgotten the file; its number can be in stacks */
	FILE_KNOWN,
};

/* A file that has a number. */
struct known_file {
	struct unwind_file_key key;
	uint32_t first_word, nr_words; /* 0: it has no table */
	enum file_state state;
	bool refused; /* its table found no room */
};

struct unwind_tables {
	struct unwind_maps maps;
	uint32_t *chunk[UNWIND_MAX_CHUNKS]; /* mapped; NULL: not made yet */
	int first_chunk_fd; /* kept for wait_for_walks; < 0: not made yet */
	struct word_space words;
	bool detached;
	struct known_file *files; /* by id; id 0 is no file */
	uint32_t nr_ids; /* ever given out, and 0 */
	size_t files_capacity;
	uint32_t nr_known, nr_unused; /* ids in FILE_KNOWN and in FILE_UNUSED */
	uint32_t *file_slots; /* hash table: ids by key, also of swept files; 0: free */
	uint32_t nr_refused; /* files that found no room since room was last made */
	struct unwind_rule *rules; /* as in the map */
	uint32_t nr_rules;
	uint32_t *rule_slots; /* hash table: index of a rule, + 1; 0: free */
};

/* Equal rules are kept once. A rule that finds no room becomes UNWIND_CFA_BAD. */
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
	*index = UNWIND_CFA_BAD; /* its index, too: see add_plain_rules */
	if (tables->nr_rules == UNWIND_MAX_RULES)
		return 0;
	if (bpf_map_update_elem(tables->maps.rules, &tables->nr_rules, rule, BPF_ANY))
		return -errno;
	tables->rules[tables->nr_rules] = *rule;
	*index = tables->nr_rules++;
	tables->rule_slots[slot] = *index + 1;
	return 0;
}

/* A rule without operands has its enum unwind_cfa as its index. */
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
	tables->first_chunk_fd = -1;
	tables->nr_ids = 1;
	tables->rules = calloc(UNWIND_MAX_RULES, sizeof(*tables->rules));
	tables->rule_slots = calloc(RULE_SLOTS, sizeof(*tables->rule_slots));
	tables->file_slots = calloc(FILE_SLOTS, sizeof(*tables->file_slots));
	if (!tables->rules || !tables->rule_slots || !tables->file_slots ||
	    word_space__give_back(&tables->words, 0, MAX_WORDS) || add_plain_rules(tables)) {
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
	if (tables->first_chunk_fd >= 0)
		close(tables->first_chunk_fd);
	tables->first_chunk_fd = -1;
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
	free(tables->file_slots);
	word_space__free(&tables->words);
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
	if (!err && !number)
		tables->first_chunk_fd = fd;
	else
		close(fd);
	return err;
}

/* Takes nr words from *first on, and makes the chunks that hold them. */
static int take_words(struct unwind_tables *tables, uint64_t nr, uint32_t *first)
{
	int err = nr <= MAX_WORDS ? word_space__take(&tables->words, (uint32_t)nr, first) : -ENOSPC;

	if (err)
		return err;
	for (uint64_t i = *first >> UNWIND_CHUNK_BITS; i << UNWIND_CHUNK_BITS < *first + nr && !err;
	     i++)
		err = tables->chunk[i] ? 0 : make_chunk(tables, (uint32_t)i);
	if (err)
		word_space__give_back(&tables->words, *first, (uint32_t)nr);
	return err;
}

static void set_word(const struct unwind_tables *tables, uint32_t index, uint32_t word)
{
	tables->chunk[index >> UNWIND_CHUNK_BITS][index & (CHUNK_WORDS - 1)] = word;
}

/* ---- a file ---- */

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
	return 0;
}

/* *nr_words is the number of words from file->first_word on. */
static int load_rows(struct unwind_tables *tables, const struct unwind_rows *rows,
		     struct unwind_file *file, uint32_t *nr_words)
{
	uint32_t nr_pages, nr;
	int err;

	/* A single row is UNWIND_CFA_FRAME_POINTER, as without a table; no row means no code. */
	if (rows->nr <= 1)
		return 0;
	if (rows->row[rows->nr - 1].file_offset >> UNWIND_PAGE_BITS >= MAX_WORDS / 2)
		return -ENOSPC;
	nr_pages = PAGE_OF_FILE(rows->row[rows->nr - 1].file_offset) + 1;
	nr = (uint32_t)nr_words_of(rows, nr_pages);
	err = take_words(tables, nr, &file->first_word);
	if (err)
		return err;
	err = write_rows(tables, rows, file->first_word, nr_pages);
	if (err) {
		word_space__give_back(&tables->words, file->first_word, nr);
		return err;
	}
	file->nr_pages = nr_pages;
	*nr_words = nr;
	return 0;
}

/* The slot of the file's number, or the free one where it belongs. */
static uint32_t *find_slot(const struct unwind_tables *tables, const struct unwind_file_key *key)
{
	uint64_t hash =
		(key->inode ^ (uint64_t)key->device << 32 ^ key->generation) * 0x9e3779b97f4a7c15;
	size_t at = (hash >> 32) % FILE_SLOTS;

	while (tables->file_slots[at] &&
	       memcmp(&tables->files[tables->file_slots[at]].key, key, sizeof(*key)) != 0)
		at = (at + 1) % FILE_SLOTS;
	return &tables->file_slots[at];
}

/* The file's number; 0: it has none. */
static uint32_t find_id(const struct unwind_tables *tables, const struct unwind_file_key *key)
{
	return *find_slot(tables, key);
}

/* Finds a number that belongs to no file. */
static int new_id(struct unwind_tables *tables, uint32_t *id)
{
	int err;

	for (*id = 1; tables->nr_unused && *id < tables->nr_ids; (*id)++) {
		if (tables->files[*id].state != FILE_UNUSED)
			continue;
		tables->nr_unused--;
		return 0;
	}
	if (tables->nr_ids == UNWIND_MAX_IDS)
		return -ENOSPC;
	err = array__reserve(&tables->files, &tables->files_capacity, tables->nr_ids + 1);
	if (!err)
		*id = tables->nr_ids++;
	return err;
}

/* A file keeps its number when its table is swept and made again. */
static int add_file(struct unwind_tables *tables, const struct known_file *file, uint32_t *id)
{
	int err = 0;

	if (tables->nr_known == UNWIND_MAX_FILES - 1)
		return -ENOSPC;
	*id = find_id(tables, &file->key);
	if (!*id)
		err = new_id(tables, id);
	if (err)
		return err;
	tables->files[*id] = *file;
	*find_slot(tables, &file->key) = *id;
	tables->nr_known++;
	return 0;
}

bool unwind_tables__has(const struct unwind_tables *tables, const struct unwind_file_key *key)
{
	uint32_t id = find_id(tables, key);

	return id && tables->files[id].state == FILE_KNOWN;
}

int unwind_tables__add(struct unwind_tables *tables, const struct unwind_file_key *key, int fd)
{
	struct known_file known = { .key = *key, .state = FILE_KNOWN };
	struct unwind_rows rows = { 0 };
	struct unwind_file file = { 0 };
	int err, result;

	if (tables->detached || unwind_tables__has(tables, key))
		return 0;
	result = unwind_rows__of_file(fd, &rows);
	if (!result) {
		result = load_rows(tables, &rows, &file, &known.nr_words);
		unwind_rows__free(&rows);
	}
	if (result == -ENOMEM)
		return result;
	known.first_word = file.first_word;
	known.refused = result == -ENOSPC;
	/* Any other failure is final: the file is known, without a table. */
	err = add_file(tables, &known, &file.id);
	tables->nr_refused += result == -ENOSPC || err == -ENOSPC;
	if (err) {
		word_space__give_back(&tables->words, known.first_word, known.nr_words);
		return err;
	}
	if (bpf_map_update_elem(tables->maps.files, key, &file, BPF_ANY))
		return -errno;
	return result == -ENOSPC ? result : 0;
}

static uint32_t word_at(const void *context, uint32_t index)
{
	const struct unwind_tables *tables = context;

	return tables->chunk[index >> UNWIND_CHUNK_BITS][index & (CHUNK_WORDS - 1)];
}

int unwind_tables__find(const struct unwind_tables *tables, const struct unwind_file_key *key,
			uint64_t offset, uint32_t *file_id, struct unwind_rule *rule)
{
	struct unwind_file file;
	uint32_t index;

	if (tables->detached || bpf_map_lookup_elem(tables->maps.files, key, &file) || !file.id)
		return -ENOENT;
	*file_id = file.id;
	index = PAGE_OF_FILE(offset) < file.nr_pages ?
			unwind_search(word_at, tables, file.first_word, offset) :
			UNWIND_CFA_FRAME_POINTER;
	*rule = tables->rules[index];
	return 0;
}

void unwind_tables__forget_request(struct unwind_tables *tables, const struct unwind_file_key *key)
{
	if (!unwind_tables__has(tables, key))
		bpf_map_delete_elem(tables->maps.files, key);
}

const struct unwind_file_key *unwind_tables__file(const struct unwind_tables *tables, uint32_t id)
{
	return id && id < tables->nr_ids && tables->files[id].state != FILE_UNUSED ?
		     &tables->files[id].key :
		     NULL;
}

uint32_t unwind_tables__nr_refused(const struct unwind_tables *tables)
{
	return tables->nr_refused;
}

/* ---- room for others ---- */

static bool lacks_ids(const struct unwind_tables *tables)
{
	return UNWIND_MAX_IDS - tables->nr_ids + tables->nr_unused < UNWIND_MAX_IDS / FREE_PART;
}

bool unwind_tables__are_crowded(const struct unwind_tables *tables)
{
	return !tables->detached &&
	       (tables->nr_refused || lacks_ids(tables) ||
		word_space__nr_free(&tables->words) < MAX_WORDS / FREE_PART ||
		UNWIND_MAX_FILES - tables->nr_known < UNWIND_MAX_FILES / FREE_PART);
}

/* A file whose table found no room counts as not needed, so that BPF asks for it again. */
static bool is_needed(const struct known_file *file, const struct file_set *mapped)
{
	struct file_key key = file_key__of_device(file->key.device, file->key.inode);

	return file->state == FILE_KNOWN && !file->refused && file_set__has(mapped, &key);
}

static bool is_worth_it(const struct unwind_tables *tables, const struct file_set *mapped)
{
	uint64_t nr_words = 0, nr_files = 0;

	for (uint32_t id = 1; id < tables->nr_ids; id++) {
		if (tables->files[id].state != FILE_KNOWN || is_needed(&tables->files[id], mapped))
			continue;
		nr_words += tables->files[id].nr_words;
		nr_files++;
	}
	return lacks_ids(tables) || nr_words >= MAX_WORDS / WORTHY_PART ||
	       nr_files >= UNWIND_MAX_FILES / WORTHY_PART;
}

/* Deletes BPF's entries of files not needed, and of unanswered requests: it may ask again. */
static void delete_entries(const struct unwind_tables *tables, const struct file_set *mapped)
{
	struct unwind_file_key key, next;
	int err = bpf_map_get_next_key(tables->maps.files, NULL, &next);

	while (!err) {
		uint32_t id = find_id(tables, &next);

		key = next;
		err = bpf_map_get_next_key(tables->maps.files, &key, &next);
		if (!id || !is_needed(&tables->files[id], mapped))
			bpf_map_delete_elem(tables->maps.files, &key);
	}
}

/*
 * An update of a map of maps returns when all programs that ran before it have ended
 * (maybe_wait_bpf_programs in kernel/bpf/syscall.c). The update writes the first chunk into its own
 * place, which changes nothing.
 */
static int wait_for_walks(struct unwind_tables *tables)
{
	uint32_t number = 0;

	if (tables->first_chunk_fd < 0)
		return make_chunk(tables, number);
	return bpf_map_update_elem(tables->maps.chunks, &number, &tables->first_chunk_fd, BPF_ANY) ?
		     -errno :
		     0;
}

/*
 * A walk knows a table from unwind_files or from a cache. Once the file's entry is deleted and the
 * number in the caches' tags has changed, new walks find neither. Once the earlier walks have
 * ended, no walk reads the words or puts the file's number into a stack. That holds whether the
 * file is mapped or not, so a mapping that the tracer doesn't know of does no harm.
 */
int unwind_tables__sweep(struct unwind_tables *tables, const struct file_set *mapped)
{
	int err;

	if (tables->detached || !tables->maps.changed)
		return -ENOTSUP;
	if (!is_worth_it(tables, mapped))
		return -EAGAIN;
	delete_entries(tables, mapped);
	__atomic_add_fetch(tables->maps.changed, 1, __ATOMIC_SEQ_CST);
	err = wait_for_walks(tables);
	for (uint32_t id = 1; id < tables->nr_ids; id++) {
		struct known_file *file = &tables->files[id];

		if (file->state != FILE_KNOWN || is_needed(file, mapped))
			continue;
		/* Without the wait a walk may still read the words: they stay taken for good. */
		if (!err)
			word_space__give_back(&tables->words, file->first_word, file->nr_words);
		*file = (struct known_file){ .key = file->key, .state = FILE_LET_GO };
		tables->nr_known--;
	}
	tables->nr_refused = 0;
	return err;
}

void unwind_tables__reuse_ids(struct unwind_tables *tables, const bool in_use[UNWIND_MAX_IDS])
{
	for (uint32_t id = 1; id < tables->nr_ids; id++) {
		if (tables->files[id].state != FILE_LET_GO || in_use[id])
			continue;
		tables->files[id] = (struct known_file){ .state = FILE_UNUSED };
		tables->nr_unused++;
	}
	memset(tables->file_slots, 0, FILE_SLOTS * sizeof(*tables->file_slots));
	for (uint32_t id = 1; id < tables->nr_ids; id++)
		if (tables->files[id].state != FILE_UNUSED)
			*find_slot(tables, &tables->files[id].key) = id;
}
