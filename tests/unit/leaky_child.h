/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A process that knows of each of its blocks how it can be reached, and the same process paused,
 * with the registers of its threads. It is a test program started anew, so that its stacks and its
 * heap hold nothing but what it put there.
 */
#ifndef LEAKY_CHILD_H
#define LEAKY_CHILD_H

#include <stdint.h>
#include <sys/types.h>

#include "leaks/block_index.h"
#include "leaks/leak_kind.h"
#include "leaks/paused_process.h"

#define LEAKY_MAX_BLOCKS 64

/* Of a block that is not in the list. */
#define UNLISTED_BYTES 500

struct leaky_block {
	const char *name;
	struct leak_block block;
	enum leak_kind kind; /* expected with no heuristics */
	enum leak_kind kind_with_heuristics;
	uint64_t indirect_bytes, indirect_blocks;
};

struct leaky_child {
	pid_t pid;
	struct paused_process paused;
	struct leaky_block blocks[LEAKY_MAX_BLOCKS]; /* by address */
	unsigned int nr_blocks;
	struct leak_block sorted[LEAKY_MAX_BLOCKS]; /* the same */
	/* Could be a block of an allocator that is not glibc's. The list does not have it. */
	struct leak_block foreign;
};

/* Of main: whether this program is the child. Then leaky_child__run does not return. */
#define LEAKY_CHILD_ARGUMENT "leaky-child"
void leaky_child__run(int fd);

/* Starts a child, and pauses it when all of its blocks are there. */
void leaky_child__start(struct leaky_child *child);

/* Kills it, and waits until its memory is gone. */
void leaky_child__kill(struct leaky_child *child);

/* Kills it, too, if that was not done. */
void leaky_child__end(struct leaky_child *child);

#define FOREIGN_BYTES 28

/* The number of a block, by its name. */
unsigned int leaky_child__find(const struct leaky_child *child, const char *name);

#endif
