/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The files whose code is to be named, and the frames found so far in each. A file is found by a
 * mapping of it or by its numbers. Only some are open at a time. For symbolize.c, which looks the
 * frames up.
 */
#ifndef OBJECT_TABLE_H
#define OBJECT_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/file_set.h"
#include "base/mapping.h"
#include "names/frame_cache.h"
#include "names/object_file.h"

struct object_table;

/* Owned by the table. Good until another file is added, and until the next sweep. */
struct known_object {
	struct object_file *object;
	struct frame_cache *cache;
	const char *build_id; /* in the symbolizer's pool; NULL: none, or not read yet */
	/* The table's own: */
	uint64_t used; /* the number of the last use */
	bool path_tried;
};

/* NULL with errno set. */
struct object_table *object_table__new(void);
void object_table__free(struct object_table *table);

/* The mapping's file; NULL: it is not known. */
struct known_object *object_table__find(struct object_table *table, const struct mapping *map);

/* The mapping's file, added when it isn't known yet. Returns 0, -ENOSPC or -ENOMEM. */
int object_table__get(struct object_table *table, const struct mapping *map,
		      struct known_object **file);

/*
 * The file with these numbers, by whatever path. NULL: none is known, or several are that do not
 * prove to be one. Opens files to compare them.
 */
struct known_object *object_table__find_by_key(struct object_table *table,
					       const struct file_key *key);

/*
 * Puts a new, empty file of that mapping in the place of one whose content was changed. Returns 0,
 * or -ENOMEM, and then the old one stays.
 */
int object_table__replace(struct object_table *table, struct known_object *file,
			  const struct mapping *map);

/*
 * Opens the file as object_file__open does, unless it is open. When too many are, half of them are
 * closed, and opened again when needed.
 */
int object_table__open(struct object_table *table, struct known_object *file,
		       const char *open_path);

/*
 * Opens the file by the path that is known for it, unless it is open or that has failed. Returns
 * whether it is open.
 */
bool object_table__ensure_open(struct object_table *table, struct known_object *file);

/*
 * Closes the files that nobody maps, and lets go of their roots. Forgets those that were never open
 * or are deleted; when too many files are known, all that nobody maps.
 */
void object_table__sweep(struct object_table *table, const struct file_set *mapped);

/* Forgets the frames and the build IDs that were found in all files. */
void object_table__forget_frames(struct object_table *table);

#endif
