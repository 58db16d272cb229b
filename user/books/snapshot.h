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
	size_t nr_block_list;
};

struct snapshot {
	struct snapshot_site *sites; /* in no order; none of zero blocks */
	size_t nr_sites;
};

/*
 * The blocks of several spaces, found by one walk of the block map: it is long, whoever they belong
 * to. NULL and errno on failure.
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

/* Reads the frames behind a stack id. Returns 0, -ENOENT when they were not kept, or -errno. */
int snapshot__read_stack(const struct tracer_maps *maps, uint64_t stack_id, struct stack *stack);
/* Writes others, unless the id is gone. Returns 0 or -errno. */
int snapshot__replace_stack(const struct tracer_maps *maps, uint64_t stack_id,
			    const struct stack *stack);

/* Copies the records of all that lives (owned array, *nr). Returns 0 or -errno. */
int snapshot__read_live(const struct tracer_maps *maps, struct space **spaces, size_t *nr);

/* Takes the next record out of the queue of those that have ended. -ENOENT: there is none. */
int snapshot__take_ended(const struct tracer_maps *maps, struct space *space);

/*
 * Takes up to room of those that found the queue full, in no order, and adds to *nr. True: there
 * are more.
 */
bool snapshot__take_late_ends(const struct tracer_maps *maps, struct space *spaces, size_t room,
			      size_t *nr);

/*
 * Takes a living space out of the maps as if it had ended now: its end was missed. Returns 0 or
 * -errno, with -ENOENT when it was seen after all.
 */
int snapshot__give_up(const struct tracer_maps *maps, struct space *space, uint64_t now_ns);

/* Deletes what the maps hold about an ended space, but for its blocks: see dead_sweep.h. */
void snapshot__forget(const struct tracer_maps *maps, const struct space *space);

/* What a visit says of a block; a negative number is -errno and ends the walk. */
enum visit_result { VISIT_KEEP, VISIT_DELETE };

/*
 * Walks the block map in batches, and deletes in batches what visit does not want. Of many millions
 * that takes seconds: it ends with -EINTR when somebody asks to stop.
 */
int snapshot__walk_blocks(const struct tracer_maps *maps,
			  int (*visit)(const struct block_key *key, const struct block *block,
				       void *context),
			  void *context);

/* Deletes all these keys; one that isn't there is passed over. */
void snapshot__delete_keys(int map_fd, const void *keys, size_t key_bytes, size_t nr);

/* Sums a per-CPU loss counter. */
uint64_t snapshot__read_loss(const struct tracer_maps *maps, enum loss loss);

#endif
