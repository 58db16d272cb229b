// SPDX-License-Identifier: GPL-2.0
/* See aggregate.h. */
#include "aggregate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_INLINED 16
#define ADDRESS_MASK ((1ULL << WIRE_FRAME_FILE_SHIFT) - 1)
#define NS_PER_S 1e9

/* One stack of the report in the making: what the sites with these frames hold together. */
struct ranked {
	uint64_t bytes, blocks;
	uint64_t *frames; /* addresses, innermost first */
	uint32_t nr_frames;
	bool truncated;
	const struct snapshot_site **sites;
	size_t nr_sites;
};

static int by_frames(const void *a, const void *b)
{
	const struct ranked *left = a, *right = b;
	uint32_t common = left->nr_frames < right->nr_frames ? left->nr_frames : right->nr_frames;

	for (uint32_t i = 0; i < common; i++)
		if (left->frames[i] != right->frames[i])
			return left->frames[i] < right->frames[i] ? -1 : 1;
	return left->nr_frames < right->nr_frames ? -1 : left->nr_frames > right->nr_frames;
}

static int by_bytes(const void *a, const void *b)
{
	const struct ranked *left = a, *right = b;

	if (left->bytes != right->bytes)
		return left->bytes > right->bytes ? -1 : 1;
	if (left->blocks != right->blocks)
		return left->blocks > right->blocks ? -1 : 1;
	return by_frames(a, b);
}

static const struct mapping *find_mapping(const struct aggregate_source *source, uint64_t address)
{
	return source->mappings ? mapping_set__find(source->mappings, address) : NULL;
}

/*
 * Copies the addresses of a stack up to the first one that no code is mapped at: the walk has
 * followed a register that was no frame pointer from there on. The immediate caller is always true.
 */
static int copy_addresses(struct ranked *ranked, const struct stack *stack,
			  const struct aggregate_source *source)
{
	uint32_t nr = stack->nr_frames < WIRE_MAX_FRAMES ? stack->nr_frames : WIRE_MAX_FRAMES;

	ranked->truncated = stack->truncated;
	ranked->frames = calloc(nr ? nr : 1, sizeof(*ranked->frames));
	if (!ranked->frames)
		return -ENOMEM;
	for (uint32_t i = 0; i < nr; i++) {
		uint64_t address = stack->frames[i] & ADDRESS_MASK;

		if (i && !find_mapping(source, address)) {
			ranked->truncated = true;
			break;
		}
		ranked->frames[ranked->nr_frames++] = address;
	}
	return 0;
}

static void free_ranked(struct ranked *ranked, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		free(ranked[i].frames);
		free(ranked[i].sites);
	}
	free(ranked);
}

static int rank_site(struct ranked *ranked, const struct snapshot_site *site,
		     const struct aggregate_source *source)
{
	struct stack stack;

	ranked->bytes = site->bytes;
	ranked->blocks = site->blocks;
	ranked->sites = calloc(1, sizeof(site));
	if (!ranked->sites)
		return -ENOMEM;
	ranked->sites[ranked->nr_sites++] = site;
	if (source->read_stack(site->stack_id, &stack, source->context))
		return 0; /* not kept: no frames */
	return copy_addresses(ranked, &stack, source);
}

/* Adds the second to the first, which has the same frames. */
static int fold(struct ranked *into, struct ranked *from)
{
	const struct snapshot_site **grown =
		realloc(into->sites, (into->nr_sites + from->nr_sites) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	memcpy(grown + into->nr_sites, from->sites, from->nr_sites * sizeof(*grown));
	into->sites = grown;
	into->nr_sites += from->nr_sites;
	into->bytes += from->bytes;
	into->blocks += from->blocks;
	into->truncated |= from->truncated;
	return 0;
}

/* Stacks that differed only in what was cut off are one. */
static int fold_equals(struct ranked *ranked, size_t *nr)
{
	size_t kept = 0;

	qsort(ranked, *nr, sizeof(*ranked), by_frames);
	for (size_t i = 1; i < *nr; i++) {
		if (by_frames(&ranked[kept], &ranked[i])) {
			struct ranked moved = ranked[i];

			ranked[i] = (struct ranked){ 0 };
			ranked[++kept] = moved;
			continue;
		}
		if (fold(&ranked[kept], &ranked[i]))
			return -ENOMEM;
		free(ranked[i].frames);
		free(ranked[i].sites);
		ranked[i] = (struct ranked){ 0 };
	}
	*nr = kept + 1;
	return 0;
}

/* Each address becomes one frame, and one more for each function that was inlined there. */
static int name_frames(struct report_stack *report, const struct ranked *ranked,
		       const struct aggregate_source *source)
{
	struct report_frame frames[MAX_INLINED];

	report->truncated = ranked->truncated;
	for (uint32_t i = 0; i < ranked->nr_frames; i++) {
		uint64_t address = ranked->frames[i];
		/* Every frame is a return address: the innermost one is the allocator's own. */
		unsigned int found = symbolizer__resolve(source->symbolizer,
							 find_mapping(source, address), address,
							 true, frames, MAX_INLINED);
		struct report_frame *grown =
			realloc(report->frames, (report->nr_frames + found) * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		report->frames = grown;
		memcpy(report->frames + report->nr_frames, frames, found * sizeof(*frames));
		report->nr_frames += found;
	}
	return 0;
}

static int copy_blocks(struct report_stack *report, const struct snapshot_site *site,
		       uint64_t now_ns)
{
	struct report_block *grown;

	if (!site->nr_block_list)
		return 0;
	grown = realloc(report->block_list,
			(report->nr_block_list + site->nr_block_list) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	report->block_list = grown;
	for (size_t i = 0; i < site->nr_block_list; i++) {
		const struct snapshot_block *block = &site->block_list[i];
		bool has_age = block->time_ns && now_ns >= block->time_ns;

		report->block_list[report->nr_block_list++] = (struct report_block){
			.address = block->address,
			.size_bytes = block->size_bytes,
			.age_s = has_age ? (double)(now_ns - block->time_ns) / NS_PER_S : -1,
		};
	}
	return 0;
}

static int fill_stack(struct report_stack *report, const struct ranked *ranked,
		      const struct aggregate_source *source)
{
	int err = name_frames(report, ranked, source);

	report->bytes = ranked->bytes;
	report->blocks = ranked->blocks;
	for (size_t i = 0; i < ranked->nr_sites && !err; i++)
		err = copy_blocks(report, ranked->sites[i], source->now_ns);
	return err;
}

/* What is held and in no site. The counters are read one after the other while others run. */
static void find_unlisted(const struct process_report *report, const struct snapshot *snapshot,
			  struct snapshot_site *unlisted)
{
	uint64_t bytes = 0, blocks = 0;

	for (size_t i = 0; i < snapshot->nr_sites; i++) {
		bytes += snapshot->sites[i].bytes;
		blocks += snapshot->sites[i].blocks;
	}
	memset(unlisted, 0, sizeof(*unlisted));
	unlisted->stack_id = WIRE_STACK_UNKNOWN;
	if (report->lost.stacks && report->held_blocks > blocks && report->held_bytes >= bytes) {
		unlisted->bytes = report->held_bytes - bytes;
		unlisted->blocks = report->held_blocks - blocks;
	}
}

static int fill_stacks(struct process_report *report, const struct ranked *ranked, size_t nr,
		       uint64_t top, const struct aggregate_source *source)
{
	size_t shown = nr < top ? nr : (size_t)top;
	int err = 0;

	report->stacks = calloc(shown ? shown : 1, sizeof(*report->stacks));
	if (!report->stacks)
		return -ENOMEM;
	for (size_t i = 0; i < shown && !err; i++)
		err = fill_stack(&report->stacks[report->nr_stacks++], &ranked[i], source);
	for (size_t i = shown; i < nr; i++) {
		report->more_stacks++;
		report->more_bytes += ranked[i].bytes;
		report->more_blocks += ranked[i].blocks;
	}
	return err;
}

int aggregate__fill(struct process_report *report, const struct snapshot *snapshot, uint64_t top,
		    bool part, const struct aggregate_source *source)
{
	struct ranked *ranked = calloc(snapshot->nr_sites + 1, sizeof(*ranked));
	struct snapshot_site unlisted = { 0 };
	size_t nr = 0;
	int err = ranked ? 0 : -ENOMEM;

	if (!part)
		find_unlisted(report, snapshot, &unlisted);
	for (size_t i = 0; i < snapshot->nr_sites && !err; i++)
		err = rank_site(&ranked[nr++], &snapshot->sites[i], source);
	if (!err && unlisted.blocks)
		err = rank_site(&ranked[nr++], &unlisted, source);
	if (!err && nr)
		err = fold_equals(ranked, &nr);
	if (!err && nr)
		qsort(ranked, nr, sizeof(*ranked), by_bytes);
	if (!err)
		err = fill_stacks(report, ranked, nr, top, source);
	if (ranked)
		free_ranked(ranked, nr);
	if (err)
		aggregate__free(report);
	return err;
}

void aggregate__free(struct process_report *report)
{
	for (size_t i = 0; i < report->nr_stacks; i++) {
		free(report->stacks[i].frames);
		free(report->stacks[i].block_list);
	}
	free(report->stacks);
	report->stacks = NULL;
	report->nr_stacks = 0;
}
