/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One look for lost blocks. The scan reads a paused process and notes every pointer; it is all that
 * has to happen in the pause. The classification follows, once the process may run again.
 */
#ifndef LEAK_SCAN_H
#define LEAK_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "leaks/block_index.h"
#include "leaks/glibc_arenas.h"
#include "leaks/leak_kind.h"
#include "leaks/paused_process.h"

struct leak_scan;

struct leak_scan_request {
	const struct paused_process *process;
	/*
	 * Blocks known when the scan begins, sorted (block_index__sort): what is a block's, and
	 * where pointers may lead. Of a process that runs on, some may be gone.
	 */
	const struct leak_block *blocks;
	size_t nr_blocks;
	/*
	 * Blocks that it got at the fork that made it, sorted. It may have freed some of them
	 * since: those count that glibc's malloc says are in use.
	 */
	const struct leak_block *inherited;
	size_t nr_inherited;
	/*
	 * They are the process's, to the byte: it stood still while they were read. Otherwise a
	 * block can have taken the place of a smaller one since, so what a chunk has beyond its
	 * block counts as roots.
	 */
	bool exact;
	bool late; /* there can be blocks from before the attach */
	bool copy; /* a fork made it: blocks of its parent can be in it whose records are gone */
};

struct leak_result {
	uint8_t *kinds; /* enum leak_kind of each block, in the order of the given ones */
	uint64_t *indirect_bytes, *indirect_blocks; /* of each block: what is lost with it */
	uint64_t heuristic_bytes[NR_LEAK_HEURISTICS], heuristic_blocks[NR_LEAK_HEURISTICS];
	unsigned int limits; /* enum leak_limit */
	uint64_t scanned_bytes; /* memory that was read */
	bool has_arenas; /* the next three are known: glibc's malloc was walked */
	uint64_t unknown_bytes, unknown_chunks; /* in use, but no known block's */
	uint64_t free_bytes; /* inside the allocator */
	/*
	 * After a late attach, and with arenas: those of the unknown chunks that no chain of
	 * pointers leads to. Nobody knows who allocated them.
	 */
	bool has_old_lost;
	uint64_t old_lost_bytes, old_lost_chunks;
};

/*
 * Reads the paused process. NULL and errno: ENOMEM, E2BIG (more pointers than are kept), ESRCH, or
 * another.
 */
struct leak_scan *leak_scan__read(const struct leak_scan_request *request);
void leak_scan__free(struct leak_scan *scan);

/* The inherited blocks that were in use, *nr of them, sorted. They are the scan's. */
const struct leak_block *leak_scan__inherited(const struct leak_scan *scan, size_t *nr);

/*
 * Classifies blocks, sorted: those that lived when the process was paused, inherited ones among
 * them; once, as it uses up what was read. heuristics: a sum of LEAK_HEURISTIC_BIT. The process is
 * read once more, for these. A block stays LEAK_UNCLASSIFIED if it is younger than the pause, or
 * lies in memory where pointers were not looked for, since no known block was there. Returns 0 or
 * -errno; leak_result__free after success.
 */
int leak_scan__classify(struct leak_scan *scan, const struct leak_block *blocks, size_t nr_blocks,
			unsigned int heuristics, struct leak_result *result);
void leak_result__free(struct leak_result *result);

#endif
