/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One mapped file, proven to be the one that was mapped. While it is open its inode number can't
 * pass to another file. Its symbols and DWARF are read when first asked for.
 */
#ifndef OBJECT_FILE_H
#define OBJECT_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/file_set.h"
#include "names/lines.h"
#include "base/mapping.h"
#include "names/name_budget.h"
#include "elf/process_root.h"

struct object_file;

/* Makes one for the file of that mapping; nothing is opened yet. */
struct object_file *object_file__new(const struct mapping *map);
void object_file__free(struct object_file *object);

bool object_file__matches(const struct object_file *object, const struct mapping *map);
/* The same without the path: on btrfs two files can have the same numbers. */
bool object_file__has_key(const struct object_file *object, const struct file_key *key);
/* Whether both are open and prove to be one file, under different paths. */
bool object_file__is_same(const struct object_file *object, const struct object_file *other);
const char *object_file__path(const struct object_file *object);
uint64_t object_file__inode(const struct object_file *object);
bool object_file__is_open(const struct object_file *object);
/* Whether it was ever open: then it is opened again only if the content is the same. */
bool object_file__was_open(const struct object_file *object);
/* Closes it, and keeps what was read. It can be opened again. */
void object_file__close(struct object_file *object);
/* Whether the content was changed in place since it was opened. */
bool object_file__has_changed(const struct object_file *object);

bool object_file__is_mapped(const struct object_file *object, const struct file_set *mapped);
/* Whether it is open and has no name any more. */
bool object_file__is_deleted(const struct object_file *object);

/*
 * Opens the file by that path. NULL: by the path that it was opened by before, or the one of the
 * mapping. Returns 0, -ESTALE when another file is there now, or -errno.
 */
int object_file__open(struct object_file *object, const char *open_path);

/*
 * Sets the root at which its path begins, and below which its debug files are looked for first.
 * Takes a share of that root. NULL, as at first: our root.
 */
void object_file__set_root(struct object_file *object, struct process_root *root);

/*
 * Finds the frames of the code at a file offset as lines__find does, with the symbol table's name
 * for the function itself. Returns the number of frames, or 0 when nothing is known. Strings live
 * until the next call, or until the holder is evicted.
 */
unsigned int object_file__find(struct object_file *object, uint64_t file_offset,
			       struct line_frame *frames, unsigned int max_frames);

/* Its build ID in lower-case hex; NULL when it has none, or could not be read. */
const char *object_file__build_id(struct object_file *object);

/* The holder of what was read of it: object_file__find is work for this holder. */
struct name_holder *object_file__holder(struct object_file *object);

#endif
