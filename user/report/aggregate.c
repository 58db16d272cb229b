// SPDX-License-Identifier: GPL-2.0
/* See aggregate.h. */
#include "report/aggregate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "report/losses.h"

#define MAX_INLINED 16

/* The place of a frame, for its process and for all. */
struct place {
	bool has_file;
	bool exact; /* the address of the instruction itself, not a return address */
	struct file_key file;
	uint64_t offset; /* in the file */
	const struct mapping *map; /* NULL: the frame names its file itself, or no code is there */
	uint64_t address; /* of the process; 0: the frame names its file */
	struct perf_map_file *code; /* of its process: names for code of no file */
};

/* A site with the number of its process. */
struct origin {
	const struct snapshot_site *site;
	size_t process;
};

/* One stack of the report in the making: what the sites with these frames hold together. */
struct ranked {
	uint64_t bytes, blocks;
	struct place *frames; /* innermost first */
	uint32_t nr_frames;
	enum stack_end end;
	struct origin *origins;
	size_t nr_origins, origins_capacity;
};

/* The stacks that are shown, and the sum of the others. */
struct top_stacks {
	struct report_stack *stacks;
	size_t nr_stacks;
	uint64_t more_stacks, more_bytes, more_blocks;
	uint64_t walks[NR_STACK_ENDS]; /* of all stacks */
};

static int compare(uint64_t left, uint64_t right)
{
	return left < right ? -1 : left > right;
}

/*
 * A place is the same in two processes at the same offset of the same file; without a file, at the
 * same address.
 */
static int compare_places(const struct place *left, const struct place *right)
{
	int order = compare(left->has_file, right->has_file);

	if (!order && !left->has_file)
		order = compare(left->address, right->address);
	/* Code that processes made at run time is each one's own. */
	if (!order && !left->has_file)
		order = compare((uintptr_t)left->code, (uintptr_t)right->code);
	if (order || !left->has_file)
		return order;
	order = compare(left->file.inode, right->file.inode);
	if (!order)
		order = compare(left->file.dev_major, right->file.dev_major);
	if (!order)
		order = compare(left->file.dev_minor, right->file.dev_minor);
	if (!order)
		order = compare(left->offset, right->offset);
	return order ? order : compare(left->exact, right->exact);
}

/* A complete stack differs from one that was cut after the same frames: that one had more. */
static int by_frames(const void *a, const void *b)
{
	const struct ranked *left = a, *right = b;
	uint32_t common = left->nr_frames < right->nr_frames ? left->nr_frames : right->nr_frames;
	int order;

	for (uint32_t i = 0; i < common; i++) {
		order = compare_places(&left->frames[i], &right->frames[i]);
		if (order)
			return order;
	}
	order = compare(left->nr_frames, right->nr_frames);
	if (order || !left->nr_frames)
		return order;
	return compare(left->end != STACK_COMPLETE, right->end != STACK_COMPLETE);
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

static void place_by_file(struct place *place, const struct unwind_file_key *key, uint64_t offset)
{
	place->has_file = true;
	place->offset = offset;
	place->file = file_key__of_device(key->device, key->inode);
	place->file.generation = key->generation;
}

static void place_by_address(struct place *place, uint64_t address,
			     const struct aggregate_process *process)
{
	const struct mapping *map =
		process->mappings ? mapping_set__find(process->mappings, address) : NULL;

	place->address = address;
	place->code = process->code;
	place->map = map;
	if (!map || !map->file.inode)
		return;
	place->has_file = true;
	place->offset = address - map->start + map->file_offset;
	place->file = map->file;
}

/*
 * Copies the frames of a stack up to the first one that no code is mapped at: from there on the
 * walk has followed a register that was no frame pointer. The immediate caller is always true.
 */
static int copy_frames(struct ranked *ranked, const struct stack *stack,
		       const struct aggregate_process *process,
		       const struct aggregate_source *source)
{
	uint32_t nr = stack->nr_frames < WIRE_MAX_FRAMES ? stack->nr_frames : WIRE_MAX_FRAMES;
	struct place places[WIRE_MAX_FRAMES] = { 0 };

	ranked->end = stack->end < NR_STACK_ENDS ? stack->end : STACK_BAD_RULE;
	for (uint32_t i = 0; i < nr; i++) {
		struct place *place = &places[ranked->nr_frames];
		uint64_t offset = stack->frames[i] & WIRE_FRAME_OFFSET_MASK;
		uint32_t id = (uint32_t)(stack->frames[i] >> WIRE_FRAME_FILE_SHIFT);
		const struct unwind_file_key *key =
			source->tables ? unwind_tables__file(source->tables, id) : NULL;

		place->exact = stack->frames[i] & WIRE_FRAME_EXACT;
		if (key)
			place_by_file(place, key, offset);
		else
			place_by_address(place, offset, process);
		if (i && !key && !place->map) {
			ranked->end = STACK_NO_CODE;
			break;
		}
		ranked->nr_frames++;
	}
	ranked->frames = calloc(ranked->nr_frames ? ranked->nr_frames : 1, sizeof(*ranked->frames));
	if (!ranked->frames)
		return -ENOMEM;
	memcpy(ranked->frames, places, ranked->nr_frames * sizeof(*places));
	return 0;
}

static void free_ranked(struct ranked *ranked, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		free(ranked[i].frames);
		free(ranked[i].origins);
	}
	free(ranked);
}

static int rank_site(struct ranked *ranked, const struct origin *origin,
		     const struct aggregate_process *process, const struct aggregate_source *source)
{
	struct stack stack;

	ranked->bytes = origin->site->bytes;
	ranked->blocks = origin->site->blocks;
	ranked->origins = calloc(1, sizeof(*origin));
	if (!ranked->origins)
		return -ENOMEM;
	ranked->origins_capacity = 1;
	ranked->origins[ranked->nr_origins++] = *origin;
	if (source->read_stack(origin->site->stack_id, &stack, source->context))
		return 0; /* not kept: no frames */
	return copy_frames(ranked, &stack, process, source);
}

/* Adds the second to the first, which has the same frames. */
static int fold(struct ranked *into, struct ranked *from)
{
	int err = array__reserve(&into->origins, &into->origins_capacity,
				 into->nr_origins + from->nr_origins);

	if (err)
		return err;
	memcpy(into->origins + into->nr_origins, from->origins,
	       from->nr_origins * sizeof(*from->origins));
	into->nr_origins += from->nr_origins;
	into->bytes += from->bytes;
	into->blocks += from->blocks;
	return 0;
}

/* Makes one stack of those that differ only in the frames that were cut off, or in why. */
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
		free(ranked[i].origins);
		ranked[i] = (struct ranked){ 0 };
	}
	*nr = kept + 1;
	return 0;
}

static unsigned int name_place(const struct place *place, const struct aggregate_source *source,
			       struct report_frame frames[MAX_INLINED])
{
	unsigned int nr;

	if (!place->address)
		return symbolizer__at(source->symbolizer, &place->file, place->offset,
				      !place->exact, frames, MAX_INLINED);
	nr = symbolizer__resolve(source->symbolizer, place->map, place->address, !place->exact,
				 frames, MAX_INLINED);
	symbolizer__name_code(source->symbolizer, place->code, !place->exact, &frames[nr - 1]);
	return nr;
}

/* Each place becomes one frame, and one more for each function that was inlined there. */
static int name_frames(struct report_stack *report, const struct ranked *ranked,
		       const struct aggregate_source *source)
{
	struct report_frame frames[MAX_INLINED];
	size_t capacity = 0;

	report->end = ranked->end;
	for (uint32_t i = 0; i < ranked->nr_frames; i++) {
		unsigned int found = name_place(&ranked->frames[i], source, frames);
		int err = array__reserve(&report->frames, &capacity, report->nr_frames + found);

		if (err)
			return err;
		memcpy(report->frames + report->nr_frames, frames, found * sizeof(*frames));
		report->nr_frames += found;
	}
	return 0;
}

static int copy_blocks(struct report_stack *report, size_t *capacity,
		       const struct snapshot_site *site, uint64_t now_ns)
{
	int err = array__reserve(&report->block_list, capacity,
				 report->nr_block_list + site->nr_block_list);

	if (err)
		return err;
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
	size_t capacity = 0;

	report->bytes = ranked->bytes;
	report->blocks = ranked->blocks;
	for (size_t i = 0; i < ranked->nr_origins && !err; i++)
		err = copy_blocks(report, &capacity, ranked->origins[i].site, source->now_ns);
	return err;
}

static int fill_top(struct top_stacks *shown, const struct ranked *ranked, size_t nr, uint64_t top,
		    const struct aggregate_source *source)
{
	size_t nr_shown = nr < top ? nr : (size_t)top;
	int err = 0;

	symbolizer__begin_report(source->symbolizer);
	shown->stacks = calloc(nr_shown ? nr_shown : 1, sizeof(*shown->stacks));
	if (!shown->stacks)
		return -ENOMEM;
	for (size_t i = 0; i < nr_shown && !err; i++)
		err = fill_stack(&shown->stacks[shown->nr_stacks++], &ranked[i], source);
	for (size_t i = 0; i < nr; i++)
		if (ranked[i].nr_frames)
			shown->walks[ranked[i].end]++;
	for (size_t i = nr_shown; i < nr; i++) {
		shown->more_stacks++;
		shown->more_bytes += ranked[i].bytes;
		shown->more_blocks += ranked[i].blocks;
	}
	return err;
}

static void free_stacks(struct report_stack *stacks, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		free(stacks[i].frames);
		free(stacks[i].block_list);
	}
	free(stacks);
}

/*
 * Finds the blocks that are held but in no site. The counters are read one after the other while
 * others run, so the sites can also hold more.
 */
static void find_unlisted(const struct aggregate_process *process, struct snapshot_site *unlisted)
{
	const struct snapshot *snapshot = &process->snapshot;
	uint64_t bytes = 0, blocks = 0;

	for (size_t i = 0; i < snapshot->nr_sites; i++) {
		bytes += snapshot->sites[i].bytes;
		blocks += snapshot->sites[i].blocks;
	}
	memset(unlisted, 0, sizeof(*unlisted));
	unlisted->stack_id = WIRE_STACK_UNKNOWN;
	if (process->lost_stacks && process->held_blocks > blocks && process->held_bytes >= bytes) {
		unlisted->bytes = process->held_bytes - bytes;
		unlisted->blocks = process->held_blocks - blocks;
	}
}

static int rank_process(struct ranked *ranked, size_t *nr, const struct aggregate_process *process,
			const struct snapshot_site *unlisted, size_t number,
			const struct aggregate_source *source)
{
	const struct snapshot *snapshot = &process->snapshot;
	int err = 0;

	for (size_t i = 0; i < snapshot->nr_sites && !err; i++) {
		struct origin origin = { &snapshot->sites[i], number };

		err = rank_site(&ranked[(*nr)++], &origin, process, source);
	}
	if (!err && unlisted->blocks) {
		struct origin origin = { unlisted, number };

		err = rank_site(&ranked[(*nr)++], &origin, process, source);
	}
	return err;
}

/* The `top` largest stacks of all the processes together. Returns 0 or -ENOMEM. */
static int rank(struct top_stacks *shown, const struct aggregate_process *processes,
		size_t nr_processes, uint64_t top, const struct aggregate_source *source,
		void (*count)(struct report_stack *stack, const struct ranked *ranked))
{
	struct snapshot_site *unlisted = calloc(nr_processes + 1, sizeof(*unlisted));
	struct ranked *ranked = NULL;
	size_t nr = 0, capacity = 1;
	int err = 0;

	for (size_t i = 0; i < nr_processes; i++)
		capacity += processes[i].snapshot.nr_sites + 1;
	if (unlisted)
		ranked = calloc(capacity, sizeof(*ranked));
	if (!ranked)
		err = -ENOMEM;
	for (size_t i = 0; i < nr_processes && !err; i++) {
		find_unlisted(&processes[i], &unlisted[i]);
		err = rank_process(ranked, &nr, &processes[i], &unlisted[i], i, source);
	}
	if (!err && nr)
		err = fold_equals(ranked, &nr);
	if (!err && nr)
		qsort(ranked, nr, sizeof(*ranked), by_bytes);
	if (!err)
		err = fill_top(shown, ranked, nr, top, source);
	for (size_t i = 0; i < shown->nr_stacks && count && !err; i++)
		count(&shown->stacks[i], &ranked[i]);
	if (ranked)
		free_ranked(ranked, nr);
	free(unlisted);
	return err;
}

int aggregate__fill(struct process_report *report, const struct snapshot *snapshot, uint64_t top,
		    bool part, const struct aggregate_source *source)
{
	struct aggregate_process process = {
		.snapshot = *snapshot,
		.mappings = source->mappings,
		.code = source->code,
		.held_bytes = report->held_bytes,
		.held_blocks = report->held_blocks,
		.lost_stacks = losses__sum(&report->lost, LOSS_OF_STACKS) && !part,
	};
	struct top_stacks shown = { 0 };
	int err = rank(&shown, &process, 1, top, source, NULL);

	if (err) {
		free_stacks(shown.stacks, shown.nr_stacks);
		return err;
	}
	report->stacks = shown.stacks;
	report->nr_stacks = shown.nr_stacks;
	report->more_stacks = shown.more_stacks;
	report->more_bytes = shown.more_bytes;
	report->more_blocks = shown.more_blocks;
	memcpy(report->walks, shown.walks, sizeof(report->walks));
	return 0;
}

void aggregate__free(struct process_report *report)
{
	free_stacks(report->stacks, report->nr_stacks);
	report->stacks = NULL;
	report->nr_stacks = 0;
}

/* Origins come in the order of their processes, but for what fold() has appended. */
static int by_process(const void *a, const void *b)
{
	const struct origin *left = a, *right = b;

	return compare(left->process, right->process);
}

static void count_processes(struct report_stack *stack, const struct ranked *ranked)
{
	qsort(ranked->origins, ranked->nr_origins, sizeof(*ranked->origins), by_process);
	for (size_t i = 0; i < ranked->nr_origins; i++)
		if (!i || ranked->origins[i].process != ranked->origins[i - 1].process)
			stack->nr_processes++;
}

int aggregate__fill_ranking(struct ranking_report *report,
			    const struct aggregate_process *processes, size_t nr_processes,
			    uint64_t top, const struct aggregate_source *source)
{
	struct top_stacks shown = { 0 };
	int err = rank(&shown, processes, nr_processes, top, source, count_processes);

	if (err) {
		free_stacks(shown.stacks, shown.nr_stacks);
		return err;
	}
	report->stacks = shown.stacks;
	report->nr_stacks = shown.nr_stacks;
	report->more_stacks = shown.more_stacks;
	report->more_bytes = shown.more_bytes;
	report->more_blocks = shown.more_blocks;
	return 0;
}

void aggregate__free_ranking(struct ranking_report *report)
{
	free_stacks((struct report_stack *)report->stacks, report->nr_stacks);
	report->stacks = NULL;
	report->nr_stacks = 0;
}
