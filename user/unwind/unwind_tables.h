/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tables that BPF unwinds by: each file that is met gets one, once, and the number that it has
 * in frames. Files that nobody maps make room for others. packed_rows.c writes the tables.
 */
#ifndef UNWIND_TABLES_H
#define UNWIND_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/wire_unwind.h"
#include "base/file_set.h"

/* Descriptors of the maps. */
struct unwind_maps {
	int files, chunks, rules;
	uint64_t *changed; /* BPF's tables_changed; NULL: not writable, so no table is swept */
};

struct unwind_tables;

struct unwind_tables *unwind_tables__new(const struct unwind_maps *maps);
void unwind_tables__free(struct unwind_tables *tables);

/* Lets go of the kernel's memory. No table can be added after; numbers keep their files. */
void unwind_tables__detach(struct unwind_tables *tables);

/*
 * Finds what BPF would find at an offset of a file: the file's number and the rule there. Returns
 * 0, or -ENOENT for a file that is not known, and for every file after unwind_tables__detach.
 */
int unwind_tables__find(const struct unwind_tables *tables, const struct unwind_file_key *key,
			uint64_t offset, uint32_t *file_id, struct unwind_rule *rule);

/* Is the file known, with a table or without? */
bool unwind_tables__has(const struct unwind_tables *tables, const struct unwind_file_key *key);

/* The same, and the table was made of the file as it is now: of its size and modification time? */
bool unwind_tables__has_current(const struct unwind_tables *tables,
				const struct unwind_file_key *key, int fd);

/*
 * Makes the table of the file open at fd, which the kernel knows as *key. A file that can have none
 * (no ELF file, not for this machine, damaged) is walked by frame pointers. Returns 0; -ENOSPC;
 * -ENOMEM; -errno. -ENOSPC: a file whose table finds no room is walked by frame pointers; a file
 * that finds no number stays unknown to BPF, and walks end at it. A table of what the file was
 * before it was overwritten is dropped, see unwind_tables__sweep.
 */
int unwind_tables__add(struct unwind_tables *tables, const struct unwind_file_key *key, int fd);

/* How many files found no room since room was last made. */
uint32_t unwind_tables__nr_refused(const struct unwind_tables *tables);

/* Is it time to sweep the tables? */
bool unwind_tables__are_crowded(const struct unwind_tables *tables);

/*
 * Removes the tables of files that nobody maps, if that is worth it: their room goes to others.
 * Should such a file be met all the same, BPF asks for it again, and user space finishes the walk
 * that met it. Numbers keep their files. Waits for walks under way: tens of milliseconds. Returns
 * 0; -EAGAIN when it was not worth it; -ENOTSUP without tables_changed or after
 * unwind_tables__detach; -ENOMEM; -errno.
 */
int unwind_tables__sweep(struct unwind_tables *tables, const struct file_set *mapped);

/*
 * After unwind_tables__sweep: frees the numbers of swept files that are in no stack
 * (in_use, by number) for other files.
 */
void unwind_tables__reuse_ids(struct unwind_tables *tables, const bool in_use[UNWIND_MAX_IDS]);

/* A request for that file can't be answered now: lets BPF ask again. */
void unwind_tables__forget_request(struct unwind_tables *tables, const struct unwind_file_key *key);

/* The file with that number; NULL: there is none. Good until the next file is added. */
const struct unwind_file_key *unwind_tables__file(const struct unwind_tables *tables, uint32_t id);

#endif
