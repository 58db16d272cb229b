/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Plain copies of what the BPF maps hold about one address space. Reads maps, groups by stack when
 * it has to look at single blocks, and nothing else.
 */
#ifndef SNAPSHOT_H
#define SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/wire.h"
#include "probes/tracer.h"

struct snapshot_block {
	uint64_t address;
	uint64_t size_bytes;
	uint64_t time_ns;
};

struct snapshot_site {
	uint64_t stack_id;
	uint64_t bytes;
	uint64_t blocks;
	struct snapshot_block *block_list; /* only when blocks were asked for */
	size_t nr_block_list, capacity;
};

struct snapshot {
	struct snapshot_site *sites; /* in no order; none of zero blocks */
	size_t nr_sites, capacity;
};

/*
 * The blocks of several spaces, found by one walk of the block map: the walk takes long, for one
 * space as for many. NULL and errno on failure.
 */
struct snapshot_blocks;
struct snapshot_blocks *snapshot__gather(const struct tracer_maps *maps, const struct space *spaces,
					 size_t nr);
void snapshot__free_blocks(struct snapshot_blocks *blocks);

struct snapshot_request {
	const struct snapshot_blocks *blocks; /* NULL: single blocks don't matter, only sites */
	bool with_blocks; /* list every block */
	uint64_t allocated_before_ns; /* only blocks at least that old; 0: all */
};

/*
 * Reads what the space holds, by its sites, or out of the blocks that were gathered for it. Returns
 * 0 or -errno; call snapshot__free after success.
 */
int snapshot__read(struct snapshot *snapshot, const struct tracer_maps *maps,
		   const struct space *space, const struct snapshot_request *request);
void snapshot__free(struct snapshot *snapshot);

/* The stack ids of a space's sites (owned array, *nr). Returns 0 or -ENOMEM. */
int snapshot__read_stack_ids(const struct tracer_maps *maps, const struct space *space, __u64 **ids,
			     size_t *nr);

/* Copies the records of all that lives (owned array, *nr). Returns 0 or -errno. */
int snapshot__read_live(const struct tracer_maps *maps, struct space **spaces, size_t *nr);

/*
 * Walks the block map in batches. visit returns 0, or -errno, which ends the walk; it may delete
 * blocks. Many millions of blocks take seconds: the walk ends with -EINTR when somebody asks to
 * stop.
 */
int snapshot__walk_blocks(const struct tracer_maps *maps,
			  int (*visit)(const struct block_key *key, const struct block *block,
				       void *context),
			  void *context);

/* Sums a per-CPU loss counter. */
uint64_t snapshot__read_loss(const struct tracer_maps *maps, enum loss loss);

#endif
