// SPDX-License-Identifier: GPL-2.0
/* See known_files.h. Used by probed_files.c. */
#include "probes/known_files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "probes/mapped_file.h"

#define MANY_FILES 4096 /* above this, files that no process maps are forgotten */
#define MAX_FILES 65536 /* at this, all files but allocators are forgotten */

bool known_file__is_certain(const struct known_file *file)
{
	return file->key.generation && !file->shares_numbers;
}

struct known_file known_file__new(const struct unwind_file_key *key, const struct stat *status)
{
	uint64_t now_ns = clock__monotonic_ns(), wall_ns = clock__wall_ns();
	uint64_t modified_ns =
		(uint64_t)status->st_mtim.tv_sec * NS_PER_S + (uint64_t)status->st_mtim.tv_nsec;
	bool counts = status->st_mtim.tv_sec > 0 && modified_ns <= wall_ns &&
		      wall_ns - modified_ns < now_ns;

	return (struct known_file){
		.key = *key,
		.changed = status->st_ctim,
		.size_bytes = status->st_size,
		.written_ns = counts ? now_ns - (wall_ns - modified_ns) : 0,
	};
}

bool known_file__has_status(const struct known_file *file, const struct stat *status)
{
	return file->size_bytes == status->st_size &&
	       file->changed.tv_sec == status->st_ctim.tv_sec &&
	       file->changed.tv_nsec == status->st_ctim.tv_nsec;
}

bool known_file__is_unchanged(const struct known_file *file, const struct stat *status)
{
	return known_file__is_certain(file) || known_file__has_status(file, status);
}

void known_files__free(struct known_files *known)
{
	free(known->files);
	*known = (struct known_files){ 0 };
}

/* Returns the file's slot, or the free slot where it belongs. */
static struct known_file *find_slot(struct known_file *files, size_t capacity,
				    const struct unwind_file_key *key)
{
	size_t i = file_key__slot(key->inode, capacity);

	while (files[i].key.inode && memcmp(&files[i].key, key, sizeof(*key)) != 0)
		i = (i + 1) & (capacity - 1);
	return &files[i];
}

const struct known_file *known_files__find(const struct known_files *known,
					   const struct unwind_file_key *key)
{
	const struct known_file *file;

	if (!known->capacity || !key->inode)
		return NULL;
	file = find_slot(known->files, known->capacity, key);
	return file->key.inode && !file->forgotten ? file : NULL;
}

uint64_t known_files__generation(const struct known_files *known, const struct unwind_file_key *key)
{
	size_t mask = known->capacity - 1;
	uint64_t generation = 0;

	if (!known->capacity)
		return 0;
	for (size_t i = file_key__slot(key->inode, known->capacity); known->files[i].key.inode;
	     i = (i + 1) & mask)
		if (known->files[i].key.inode == key->inode &&
		    known->files[i].key.device == key->device)
			generation = known->files[i].key.generation;
	return generation;
}

/* Moves the entries to keep into a new table of that capacity. */
static int rebuild(struct known_files *known, size_t capacity,
		   bool (*keeps)(const struct known_file *file, const struct file_set *mapped),
		   const struct file_set *mapped)
{
	struct known_file *files = calloc(capacity, sizeof(*files));

	if (!files)
		return -ENOMEM;
	known->nr = 0;
	for (size_t i = 0; i < known->capacity; i++) {
		const struct known_file *file = &known->files[i];

		if (!file->key.inode || file->forgotten || !keeps(file, mapped))
			continue;
		*find_slot(files, capacity, &file->key) = *file;
		known->nr++;
	}
	free(known->files);
	known->files = files;
	known->capacity = capacity;
	return 0;
}

static bool is_any(const struct known_file *file, const struct file_set *mapped)
{
	(void)file, (void)mapped;
	return true;
}

static bool is_probed(const struct known_file *file, const struct file_set *mapped)
{
	(void)mapped;
	return file->is_allocator;
}

static bool is_probed_or_mapped(const struct known_file *file, const struct file_set *mapped)
{
	return file->is_allocator || mapped_file__is_in(mapped, &file->key);
}

int known_files__remember(struct known_files *known, const struct known_file *file)
{
	struct known_file *slot;
	int err = 0;

	if (known->nr >= MAX_FILES)
		err = rebuild(known, known->capacity, is_probed, NULL);
	else if (known->nr >= known->capacity / 2)
		err = rebuild(known, known->capacity ? 2 * known->capacity : 64, is_any, NULL);
	if (err)
		return err;
	slot = find_slot(known->files, known->capacity, &file->key);
	known->nr += !slot->key.inode;
	*slot = *file;
	return 0;
}

void known_files__forget(struct known_files *known, const struct unwind_file_key *key)
{
	struct known_file *file;

	if (!known->capacity)
		return;
	file = find_slot(known->files, known->capacity, key);
	file->forgotten = file->key.inode;
}

void known_files__sweep(struct known_files *known, const struct file_set *mapped)
{
	if (known->nr > MANY_FILES)
		rebuild(known, known->capacity, is_probed_or_mapped, mapped);
}
