// SPDX-License-Identifier: GPL-2.0
/*
 * See file_set.h. A hash table with open addressing, by inode. monitor_upkeep.c fills it;
 * mapped_file.c, object_file.c and unwind_tables.c ask it.
 */
#include "base/file_set.h"

#include <errno.h>
#include <stdlib.h>

struct file_set {
	struct file_key *entries; /* inode 0: free */
	size_t nr, capacity; /* a power of two, or 0 */
};

struct file_set *file_set__new(void)
{
	return calloc(1, sizeof(struct file_set));
}

void file_set__free(struct file_set *set)
{
	if (!set)
		return;
	free(set->entries);
	free(set);
}

/* The slot of the file, or the free one where it belongs. */
static struct file_key *find_slot(struct file_key *entries, size_t capacity,
				  const struct file_key *wanted)
{
	size_t i = file_key__slot(wanted->inode, capacity);

	while (entries[i].inode && !file_key__same_numbers(&entries[i], wanted))
		i = (i + 1) & (capacity - 1);
	return &entries[i];
}

static int grow(struct file_set *set)
{
	size_t capacity = set->capacity ? 2 * set->capacity : 64;
	struct file_key *entries;

	if (set->nr < set->capacity / 2)
		return 0;
	entries = calloc(capacity, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < set->capacity; i++)
		if (set->entries[i].inode)
			*find_slot(entries, capacity, &set->entries[i]) = set->entries[i];
	free(set->entries);
	set->entries = entries;
	set->capacity = capacity;
	return 0;
}

int file_set__add(struct file_set *set, const struct file_key *file)
{
	struct file_key *slot;
	int err;

	if (!file->inode)
		return 0;
	err = grow(set);
	if (err)
		return err;
	slot = find_slot(set->entries, set->capacity, file);
	set->nr += !slot->inode;
	*slot = *file;
	return 0;
}

bool file_set__has(const struct file_set *set, const struct file_key *file)
{
	return file->inode && set->capacity && find_slot(set->entries, set->capacity, file)->inode;
}
