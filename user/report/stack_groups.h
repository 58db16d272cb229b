/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sites grouped by stack: sites of one or many processes whose stacks have the same frames make one
 * group, and the group that holds most comes first. Pure but for the caller's read_stack; nothing
 * is named here.
 */
#ifndef STACK_GROUPS_H
#define STACK_GROUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mapping.h"
#include "books/snapshot.h"
#include "report/report.h"
#include "unwind/unwind_tables.h"

struct perf_map_file;

/* Where the frames of a stack id are read. */
struct stack_reader {
	/* 0 or -errno. */
	int (*read_stack)(uint64_t stack_id, struct stack *stack, void *context);
	void *context;
	const struct unwind_tables *tables; /* what file ids mean; NULL: there are none */
};

/* One process, and what it holds. */
struct process_sites {
	uint64_t serial; /* of its address space */
	struct snapshot snapshot;
	const struct mapping_set *mappings; /* NULL: unknown */
	struct perf_map_file *code; /* names of code made at run time, or NULL */
	uint64_t held_bytes, held_blocks;
	bool lost_stacks; /* so that it can hold more than its sites say */
};

/* The place of a frame, for its process and for all. */
struct frame_place {
	bool has_file;
	bool exact; /* the address of the instruction itself, not a return address */
	struct file_key file;
	uint64_t offset; /* in the file */
	const struct mapping *map; /* NULL: the frame names its file itself, or no code is there */
	uint64_t address; /* of the process; 0: the frame names its file */
	struct perf_map_file *code; /* of its process: names for code of no file */
};

/* A site with the number of its process. */
struct group_origin {
	const struct snapshot_site *site;
	size_t process;
};

/* What the sites with these frames hold together. */
struct stack_group {
	uint64_t bytes, blocks;
	struct frame_place *frames; /* innermost first */
	uint32_t nr_frames; /* 0: the stack was not kept */
	enum stack_end end;
	struct group_origin *origins;
	size_t nr_origins, origins_capacity;
	struct report_growth growth; /* growth.h fills it in */
};

struct stack_groups {
	struct stack_group *list; /* largest first, by bytes */
	size_t nr;
	struct snapshot_site *unlisted; /* one for each process: blocks that are in no site */
};

/*
 * Groups the sites of all the processes. A walk is cut where it left mapped code; sites that then
 * have the same frames are one group. A stack is the same in two processes when its frames lie at
 * the same offsets of the same files. Blocks that a process holds beyond all its sites (their
 * stacks were not kept) count as a stack without frames. The groups point to the processes' sites
 * and mappings. Returns 0 or -ENOMEM; call stack_groups__free either way.
 */
int stack_groups__make(struct stack_groups *groups, const struct process_sites *processes,
		       size_t nr_processes, const struct stack_reader *reader);
void stack_groups__free(struct stack_groups *groups);

/* Sorts by another order than stack_groups__make; equals by what they hold. */
void stack_groups__sort(struct stack_groups *groups, enum stack_order order);

/* 128 bits that tell groups of different frames apart, and are the same at each report. */
struct stack_hash {
	uint64_t word[2];
};
struct stack_hash stack_group__hash(const struct stack_group *group);

/* How many processes hold blocks of the group. Sorts its origins by process. */
unsigned int stack_group__nr_processes(struct stack_group *group);

#endif
