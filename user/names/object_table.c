// SPDX-License-Identifier: GPL-2.0
/* See object_table.h. The symbolizer fills in the frames and the build IDs. */
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "names/object_table.h"

#define MAX_FILES 65536
/* Beyond this many, files that nobody maps are forgotten. */
#define ENOUGH_FILES 4096
/* Open at once: at most MAX_OPEN files, and one part in OPEN_PARTS of the process's limit. */
#define MAX_OPEN 1024u
#define OPEN_PARTS 4

struct object_table {
	/* Open addressing by inode; capacity is a power of two, or 0. */
	struct known_object *files;
	size_t nr_files, capacity;
	size_t nr_open, max_open;
	uint64_t nr_uses; /* so far */
};

static size_t nr_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur / OPEN_PARTS > MAX_OPEN)
		return MAX_OPEN;
	return limit.rlim_cur / OPEN_PARTS + 1;
}

struct object_table *object_table__new(void)
{
	struct object_table *table = calloc(1, sizeof(*table));

	if (table)
		table->max_open = nr_descriptors();
	return table;
}

static void free_file(struct known_object *file)
{
	object_file__free(file->object);
	frame_cache__free(file->cache);
	*file = (struct known_object){ 0 };
}

void object_table__free(struct object_table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->capacity; i++)
		free_file(&table->files[i]);
	free(table->files);
	free(table);
}

/* The slot of the mapping's file, or the free one where it belongs. */
static struct known_object *find_slot(struct object_table *table, const struct mapping *map)
{
	size_t mask = table->capacity - 1;
	size_t i = file_key__slot(map->file.inode, table->capacity);

	while (table->files[i].object && !object_file__matches(table->files[i].object, map))
		i = (i + 1) & mask;
	return &table->files[i];
}

static void place(struct known_object *files, size_t capacity, const struct known_object *file)
{
	size_t at = file_key__slot(object_file__inode(file->object), capacity);

	while (files[at].object)
		at = (at + 1) & (capacity - 1);
	files[at] = *file;
}

static int grow(struct object_table *table)
{
	size_t capacity = table->capacity ? table->capacity * 2 : 64;
	struct known_object *files;

	if (table->nr_files >= MAX_FILES)
		return -ENOSPC;
	if (table->nr_files < table->capacity / 2)
		return 0;
	files = calloc(capacity, sizeof(*files));
	if (!files)
		return -ENOMEM;
	for (size_t i = 0; i < table->capacity; i++)
		if (table->files[i].object)
			place(files, capacity, &table->files[i]);
	free(table->files);
	table->files = files;
	table->capacity = capacity;
	return 0;
}

struct known_object *object_table__find(struct object_table *table, const struct mapping *map)
{
	struct known_object *file = table->capacity ? find_slot(table, map) : NULL;

	return file && file->object ? file : NULL;
}

int object_table__get(struct object_table *table, const struct mapping *map,
		      struct known_object **file)
{
	struct known_object added = { 0 };
	int err;

	*file = object_table__find(table, map);
	if (*file)
		return 0;
	err = grow(table);
	if (err)
		return err;
	added.object = object_file__new(map);
	added.cache = frame_cache__new();
	if (!added.object || !added.cache) {
		free_file(&added);
		return -ENOMEM;
	}
	*file = find_slot(table, map);
	**file = added;
	table->nr_files++;
	return 0;
}

int object_table__replace(struct object_table *table, struct known_object *file,
			  const struct mapping *map)
{
	struct known_object fresh = { .object = object_file__new(map),
				      .cache = frame_cache__new() };

	if (!fresh.object || !fresh.cache) {
		free_file(&fresh);
		return -ENOMEM;
	}
	table->nr_open -= object_file__is_open(file->object);
	free_file(file);
	*file = fresh;
	return 0;
}

static int by_number(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

/* Closes the half of the files that was used least recently; they are opened again when needed. */
static void close_some(struct object_table *table)
{
	uint64_t *uses = calloc(table->nr_open, sizeof(*uses)), last;
	size_t nr = 0;

	for (size_t i = 0; i < table->capacity && uses && nr < table->nr_open; i++)
		if (table->files[i].object && object_file__is_open(table->files[i].object))
			uses[nr++] = table->files[i].used;
	if (!nr) {
		free(uses);
		return;
	}
	qsort(uses, nr, sizeof(*uses), by_number);
	last = uses[nr / 2];
	free(uses);
	for (size_t i = 0; i < table->capacity; i++) {
		struct known_object *file = &table->files[i];

		if (!file->object || !object_file__is_open(file->object) || file->used > last)
			continue;
		object_file__close(file->object);
		file->path_tried = false;
		table->nr_open--;
	}
}

int object_table__open(struct object_table *table, struct known_object *file, const char *open_path)
{
	int err;

	file->used = ++table->nr_uses;
	if (object_file__is_open(file->object))
		return 0;
	if (table->nr_open >= table->max_open)
		close_some(table);
	err = object_file__open(file->object, open_path);
	table->nr_open += !err;
	return err;
}

bool object_table__ensure_open(struct object_table *table, struct known_object *file)
{
	int err;

	if (object_file__is_open(file->object)) {
		file->used = ++table->nr_uses;
		return true;
	}
	err = file->path_tried ? -ENOENT : object_table__open(table, file, NULL);
	file->path_tried = err != -ENOMEM && err != -EMFILE && err != -ENFILE;
	return !err;
}

/*
 * One file can be known by several paths, of containers or links; it doesn't matter which of them
 * is open. But numbers that mean two files are no answer: each subvolume of btrfs counts its inodes
 * by itself.
 */
struct known_object *object_table__find_by_key(struct object_table *table,
					       const struct file_key *key)
{
	size_t mask = table->capacity - 1;
	struct known_object *found = NULL;

	if (!table->capacity || !key->inode)
		return NULL;
	for (size_t i = file_key__slot(key->inode, table->capacity); table->files[i].object;
	     i = (i + 1) & mask) {
		struct known_object *file = &table->files[i];

		if (!object_file__has_key(file->object, key))
			continue;
		if (!found || (!object_table__ensure_open(table, found) &&
			       object_table__ensure_open(table, file)))
			found = file;
		else if (object_table__ensure_open(table, file) &&
			 !object_file__is_same(found->object, file->object))
			return NULL;
	}
	return found;
}

/* Closes a file that nobody maps. Returns whether it is to be forgotten. */
static bool let_file_go(struct object_table *table, struct known_object *file)
{
	bool is_open = object_file__is_open(file->object);
	bool for_good = !is_open ? !object_file__was_open(file->object) :
				   object_file__is_deleted(file->object);

	table->nr_open -= is_open;
	object_file__close(file->object);
	object_file__set_root(file->object, NULL);
	file->path_tried = file->path_tried && !is_open;
	return for_good || table->nr_files > ENOUGH_FILES;
}

/*
 * Files that stay are placed anew: a search ends at the first free slot, so none may be left
 * between. The names found so far stay in the symbolizer's pool.
 */
void object_table__sweep(struct object_table *table, const struct file_set *mapped)
{
	struct known_object *old = table->files;
	struct known_object *files = calloc(table->capacity, sizeof(*files));

	if (!table->capacity || !files) {
		free(files);
		return;
	}
	table->files = files;
	for (size_t i = 0; i < table->capacity; i++) {
		if (!old[i].object)
			continue;
		if (!object_file__is_mapped(old[i].object, mapped) && let_file_go(table, &old[i])) {
			free_file(&old[i]);
			table->nr_files--;
		} else {
			place(files, table->capacity, &old[i]);
		}
	}
	free(old);
}

void object_table__forget_frames(struct object_table *table)
{
	for (size_t i = 0; i < table->capacity; i++) {
		struct known_object *file = &table->files[i];

		if (!file->object)
			continue;
		frame_cache__clear(file->cache);
		file->build_id = NULL;
	}
}
