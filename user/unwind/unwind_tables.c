// SPDX-License-Identifier: GPL-2.0
/* See unwind_tables.h. The map of files is written here, chunks and rules by packed_rows.c. */
#include "unwind/unwind_tables.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "unwind/packed_rows.h"
#include "unwind/unwind_rows.h"

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
	off_t size_bytes; /* this and the next: of the file that the table was made of */
	struct timespec modified;
};

struct unwind_tables {
	struct unwind_maps maps;
	struct packed_rows *packed;
	bool detached;
	struct known_file *files; /* by id; id 0 is no file */
	uint32_t nr_ids; /* ever given out, and 0 */
	size_t files_capacity;
	uint32_t nr_known, nr_unused; /* ids in FILE_KNOWN and in FILE_UNUSED */
	uint32_t *file_slots; /* hash table: ids by key, also of swept files; 0: free */
	uint32_t nr_refused; /* files that found no room since room was last made */
};

struct unwind_tables *unwind_tables__new(const struct unwind_maps *maps)
{
	struct unwind_tables *tables = calloc(1, sizeof(*tables));

	if (!tables)
		return NULL;
	tables->maps = *maps;
	tables->nr_ids = 1;
	tables->packed = packed_rows__new(maps->chunks, maps->rules);
	tables->file_slots = calloc(FILE_SLOTS, sizeof(*tables->file_slots));
	if (!tables->packed || !tables->file_slots) {
		unwind_tables__free(tables);
		return NULL;
	}
	return tables;
}

void unwind_tables__detach(struct unwind_tables *tables)
{
	if (!tables)
		return;
	packed_rows__detach(tables->packed);
	tables->detached = true;
}

void unwind_tables__free(struct unwind_tables *tables)
{
	if (!tables)
		return;
	packed_rows__free(tables->packed);
	free(tables->files);
	free(tables->file_slots);
	free(tables);
}

/* ---- a file ---- */

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

bool unwind_tables__has_current(const struct unwind_tables *tables,
				const struct unwind_file_key *key, int fd)
{
	const struct known_file *file;
	struct stat status;

	if (!unwind_tables__has(tables, key))
		return false;
	file = &tables->files[find_id(tables, key)];
	return fstat(fd, &status) || (file->size_bytes == status.st_size &&
				      file->modified.tv_sec == status.st_mtim.tv_sec &&
				      file->modified.tv_nsec == status.st_mtim.tv_nsec);
}

/*
 * Lets go of a file whose entry is deleted. Where the walks under way were not waited for, one may
 * still read the words: they stay taken for good.
 */
static void let_go(struct unwind_tables *tables, struct known_file *file, bool waited)
{
	if (waited)
		packed_rows__give_back(tables->packed, file->first_word, file->nr_words);
	*file = (struct known_file){ .key = file->key, .state = FILE_LET_GO };
	tables->nr_known--;
}

/*
 * A walk knows a table from unwind_files or from a cache. Once the file's entry is deleted and the
 * number in the caches' tags has changed, new walks find neither. Once the earlier walks have
 * ended, no walk reads the words or puts the file's number into a stack. That holds whether the
 * file is mapped or not, so a mapping that the tracer doesn't know of does no harm.
 */
static int wait_for_walks(struct unwind_tables *tables)
{
	if (!tables->maps.changed)
		return -ENOTSUP;
	__atomic_add_fetch(tables->maps.changed, 1, __ATOMIC_SEQ_CST);
	return packed_rows__wait_for_walks(tables->packed);
}

/* The table of a file that was overwritten since. */
static void drop_table(struct unwind_tables *tables, const struct unwind_file_key *key)
{
	bpf_map_delete_elem(tables->maps.files, key);
	let_go(tables, &tables->files[find_id(tables, key)], !wait_for_walks(tables));
}

int unwind_tables__add(struct unwind_tables *tables, const struct unwind_file_key *key, int fd)
{
	struct known_file known = { .key = *key, .state = FILE_KNOWN };
	struct unwind_rows rows = { 0 };
	struct unwind_file file = { 0 };
	struct stat status;
	int err, result;

	if (tables->detached || unwind_tables__has_current(tables, key, fd))
		return 0;
	if (unwind_tables__has(tables, key))
		drop_table(tables, key);
	if (!fstat(fd, &status)) {
		known.size_bytes = status.st_size;
		known.modified = status.st_mtim;
	}
	result = unwind_rows__of_file(fd, &rows);
	if (!result) {
		result = packed_rows__add(tables->packed, &rows, &file, &known.nr_words);
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
		packed_rows__give_back(tables->packed, known.first_word, known.nr_words);
		return err;
	}
	if (bpf_map_update_elem(tables->maps.files, key, &file, BPF_ANY))
		return -errno;
	return result == -ENOSPC ? result : 0;
}

int unwind_tables__find(const struct unwind_tables *tables, const struct unwind_file_key *key,
			uint64_t offset, uint32_t *file_id, struct unwind_rule *rule)
{
	struct unwind_file file;

	if (tables->detached || bpf_map_lookup_elem(tables->maps.files, key, &file) || !file.id)
		return -ENOENT;
	*file_id = file.id;
	*rule = *packed_rows__find(tables->packed, &file, offset);
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
		packed_rows__nr_free_words(tables->packed) < PACKED_ROWS_MAX_WORDS / FREE_PART ||
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
	return lacks_ids(tables) || nr_words >= PACKED_ROWS_MAX_WORDS / WORTHY_PART ||
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

int unwind_tables__sweep(struct unwind_tables *tables, const struct file_set *mapped)
{
	int err;

	if (tables->detached || !tables->maps.changed)
		return -ENOTSUP;
	if (!is_worth_it(tables, mapped))
		return -EAGAIN;
	delete_entries(tables, mapped);
	err = wait_for_walks(tables);
	for (uint32_t id = 1; id < tables->nr_ids; id++) {
		struct known_file *file = &tables->files[id];

		if (file->state == FILE_KNOWN && !is_needed(file, mapped))
			let_go(tables, file, !err);
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
