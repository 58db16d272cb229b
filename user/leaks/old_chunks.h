/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Chunks of glibc's malloc that are in use but are no known block's: blocks from before the attach,
 * mostly. Nobody knows who allocated them, but whether anything points to them can be found out.
 * For the classification they are blocks with numbers after those of the known ones.
 *
 * They are judged with more care than known blocks. A chunk that a thread is just freeing is no
 * known block any more, and perhaps only a pointer to the chunk's header is left. So a pointer to
 * the header or to any byte of the chunk makes it reachable. Pure.
 */
#ifndef OLD_CHUNKS_H
#define OLD_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "leaks/block_index.h"
#include "leaks/glibc_arenas.h"
#include "leaks/memory_reader.h"

struct old_chunks {
	struct leak_block *list; /* the user's part of each; sorted */
	const struct used_chunk **chunks; /* the same */
	size_t nr;
	struct block_index *index;
};

/*
 * Those that overlap one of the known blocks, sorted, are left out: it is one that was allocated
 * meanwhile. The chunks must outlive *old. Returns 0, -ENOMEM or -E2BIG; old_chunks__free releases
 * what was made.
 */
int old_chunks__init(struct old_chunks *old, const struct chunk_list *chunks,
		     const struct leak_block *known, size_t nr_known);
void old_chunks__free(struct old_chunks *old);

/*
 * The index of the chunk that the address points into, and of the one whose header it points to, or
 * BLOCK_NONE. A header begins in the last word of the chunk before, so both can be found.
 */
uint32_t old_chunks__find(const struct old_chunks *old, uint64_t address);
uint32_t old_chunks__find_header(const struct old_chunks *old, uint64_t address);

/*
 * The chunk that the first word of that one leads to as the link of a list of free chunks, or
 * BLOCK_NONE. A thread takes whole lists out of glibc's bins (malloc_consolidate), and has the
 * first ones in registers: the others are reached by mangled links alone, which no pointer search
 * finds. The next chunk must have the same size, and be the end of a list or lead to a chunk
 * itself: a link that was left in a block that is in use, since the program never wrote there,
 * mostly leads to one where it did.
 */
uint32_t old_chunks__next_in_list(const struct old_chunks *old, uint32_t index);

/*
 * Whether that chunk is still as it was, which is true of each that is lost. One that a thread was
 * just freeing when it was paused is in a list of free chunks since, or was merged with another.
 */
bool old_chunks__is_unchanged(const struct old_chunks *old, size_t index,
			      const struct memory_reader *memory);

#endif
