/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tables that BPF unwinds by: packs the rows of each file into the kernel's maps, once, and
 * knows which file a frame's number means. See bpf/wire_unwind.h for the format.
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
	uint64_t *changed; /* BPF's tables_changed; NULL: can't be written, and nothing is let go */
};

struct unwind_tables;

struct unwind_tables *unwind_tables__new(const struct unwind_maps *maps);
void unwind_tables__free(struct unwind_tables *tables);

/* Lets go of the kernel's memory; nothing more can be added. What numbers mean stays known. */
void unwind_tables__detach(struct unwind_tables *tables);

/*
 * What BPF would find at an offset of a file: the number of the file and the rule there. Returns 0,
 * -ENOENT for a file that is not known, or -errno.
 */
int unwind_tables__find(const struct unwind_tables *tables, const struct unwind_file_key *key,
			uint64_t offset, uint32_t *file_id, struct unwind_rule *rule);

/* Is the file known, with a table or without? */
bool unwind_tables__has(const struct unwind_tables *tables, const struct unwind_file_key *key);

/*
 * Makes the table of the file behind fd, which the kernel knows as *key. A file without one (no ELF
 * file, none for this machine, damaged) is walked by frame pointers, and so is one that there is no
 * room for: then it returns -ENOSPC. Returns 0; -ENOMEM; -errno.
 */
int unwind_tables__add(struct unwind_tables *tables, const struct unwind_file_key *key, int fd);

/* How many files found no room since some was made. */
uint32_t unwind_tables__nr_refused(const struct unwind_tables *tables);

/* Is it time to let go of what is not needed? */
bool unwind_tables__are_crowded(const struct unwind_tables *tables);

/*
 * Lets go of the tables of files that nobody maps, if that is worth it: their room goes to others.
 * Should one be met all the same, BPF asks for it again, and the walk that met it is cut there.
 * What numbers mean stays known. Waits for walks under way: tens of milliseconds. Returns 0;
 * -EAGAIN when it was not worth it; -ENOTSUP; -ENOMEM; -errno.
 */
int unwind_tables__let_go(struct unwind_tables *tables, const struct file_set *mapped);

/*
 * Then: the numbers of files that were let go and are in no stack (in_use, by number) may come to
 * mean others.
 */
void unwind_tables__reuse_ids(struct unwind_tables *tables, const bool in_use[UNWIND_MAX_IDS]);

/* A request for that file can't be answered now: another one is welcome. */
void unwind_tables__forget_request(struct unwind_tables *tables, const struct unwind_file_key *key);

/* The file with that number; NULL: there is none. Good until the next file is added. */
const struct unwind_file_key *unwind_tables__file(const struct unwind_tables *tables, uint32_t id);

/* Bytes of kernel memory that the tables take. */
uint64_t unwind_tables__bytes(const struct unwind_tables *tables);

#endif
