// SPDX-License-Identifier: GPL-2.0
/*
 * See file_set.h. A hash table with open addressing, by inode. monitor_upkeep.c fills it;
 * mapped_file.c, object_file.c and unwind_tables.c ask it.
 */
#include "base/file_set.h"

#include <errno.h>
#include <stdlib.h>

struct entry {
	uint64_t inode; /* 0: free */
	uint32_t dev_major, dev_minor;
};

struct file_set {
	struct entry *entries;
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
static struct entry *find_slot(struct entry *entries, size_t capacity, const struct entry *wanted)
{
	size_t i = (wanted->inode * 0x9e3779b97f4a7c15 >> 32) & (capacity - 1);

	while (entries[i].inode &&
	       (entries[i].inode != wanted->inode || entries[i].dev_major != wanted->dev_major ||
		entries[i].dev_minor != wanted->dev_minor))
		i = (i + 1) & (capacity - 1);
	return &entries[i];
}

static int grow(struct file_set *set)
{
	size_t capacity = set->capacity ? 2 * set->capacity : 64;
	struct entry *entries;

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

int file_set__add(struct file_set *set, const struct mapping *map)
{
	struct entry entry = { map->inode, map->dev_major, map->dev_minor };
	struct entry *slot;
	int err;

	if (!map->inode)
		return 0;
	err = grow(set);
	if (err)
		return err;
	slot = find_slot(set->entries, set->capacity, &entry);
	set->nr += !slot->inode;
	*slot = entry;
	return 0;
}

bool file_set__has(const struct file_set *set, uint32_t dev_major, uint32_t dev_minor,
		   uint64_t inode)
{
	struct entry entry = { inode, dev_major, dev_minor };

	return inode && set->capacity && find_slot(set->entries, set->capacity, &entry)->inode;
}
