/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The rows of files, packed into the kernel's maps of chunks and rules, where BPF searches them.
 * See bpf/wire_unwind.h for the format. For unwind_tables.c, which knows whose rows they are and
 * when they can go.
 */
#ifndef PACKED_ROWS_H
#define PACKED_ROWS_H

#include <stdint.h>

#include "bpf/wire_unwind.h"
#include "unwind/unwind_rows.h"

#define PACKED_ROWS_MAX_WORDS ((uint64_t)UNWIND_MAX_CHUNKS << UNWIND_CHUNK_BITS)

struct packed_rows;

/* The maps' descriptors stay the caller's. NULL with errno set. */
struct packed_rows *packed_rows__new(int chunks_map, int rules_map);
void packed_rows__free(struct packed_rows *packed);

/* Lets go of the kernel's memory: only packed_rows__free may be called after. */
void packed_rows__detach(struct packed_rows *packed);

/*
 * Packs the rows of a file, which stay the caller's. Sets file->first_word, file->nr_pages, and
 * *nr_words, the number of words from file->first_word on; leaves them as they are when the file
 * needs no words, since frame pointers do as well. Returns 0; -ENOSPC; -ENOMEM; -errno. After a
 * failure file->first_word means nothing, and the other two are as they were.
 */
int packed_rows__add(struct packed_rows *packed, const struct unwind_rows *rows,
		     struct unwind_file *file, uint32_t *nr_words);

/* The rule that BPF would find at an offset of a file, packed or not. Good until packed_rows__free.
 */
const struct unwind_rule *packed_rows__find(const struct packed_rows *packed,
					    const struct unwind_file *file, uint64_t offset);

/*
 * Waits until the walks under way have ended: tens of milliseconds. Returns 0 or -errno.
 */
int packed_rows__wait_for_walks(struct packed_rows *packed);

/*
 * Gives the words of a file to others: no walk may read them any more. When memory has run out,
 * they stay taken.
 */
void packed_rows__give_back(struct packed_rows *packed, uint32_t first_word, uint32_t nr_words);

/* Of PACKED_ROWS_MAX_WORDS. */
uint64_t packed_rows__nr_free_words(const struct packed_rows *packed);

#endif
