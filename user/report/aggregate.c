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

/* The stacks that are shown, and the sum of the others. */
struct top_stacks {
	struct report_stack *stacks;
	size_t nr_stacks;
	uint64_t more_stacks, more_bytes, more_blocks;
	uint64_t walks[NR_STACK_ENDS]; /* of all stacks */
};

static unsigned int name_place(const struct frame_place *place,
			       const struct aggregate_source *source,
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
static int name_frames(struct report_stack *report, const struct stack_group *group,
		       const struct aggregate_source *source)
{
	struct report_frame frames[MAX_INLINED];
	size_t capacity = 0;

	report->end = group->end;
	for (uint32_t i = 0; i < group->nr_frames; i++) {
		unsigned int found = name_place(&group->frames[i], source, frames);
		int err = array__reserve(&report->frames, &capacity, report->nr_frames + found);

		if (err)
			return err;
		for (unsigned int j = 0; j < found; j++)
			report->frames[report->nr_frames++] = frames[j];
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

static int fill_stack(struct report_stack *report, const struct stack_group *group,
		      const struct aggregate_source *source)
{
	int err = name_frames(report, group, source);
	size_t capacity = 0;

	report->bytes = group->bytes;
	report->blocks = group->blocks;
	for (size_t i = 0; i < group->nr_origins && !err; i++)
		err = copy_blocks(report, &capacity, group->origins[i].site, source->now_ns);
	return err;
}

static int fill_top(struct top_stacks *shown, const struct stack_groups *groups, uint64_t top,
		    const struct aggregate_source *source)
{
	size_t nr_shown = groups->nr < top ? groups->nr : (size_t)top;
	int err = 0;

	symbolizer__begin_report(source->symbolizer);
	shown->stacks = calloc(nr_shown ? nr_shown : 1, sizeof(*shown->stacks));
	if (!shown->stacks)
		return -ENOMEM;
	for (size_t i = 0; i < nr_shown && !err; i++)
		err = fill_stack(&shown->stacks[shown->nr_stacks++], &groups->list[i], source);
	for (size_t i = 0; i < groups->nr; i++)
		if (groups->list[i].nr_frames)
			shown->walks[groups->list[i].end]++;
	for (size_t i = nr_shown; i < groups->nr; i++) {
		shown->more_stacks++;
		shown->more_bytes += groups->list[i].bytes;
		shown->more_blocks += groups->list[i].blocks;
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

/* The `top` largest stacks of all the processes together. Returns 0 or -ENOMEM. */
static int fill(struct top_stacks *shown, const struct process_sites *processes,
		size_t nr_processes, uint64_t top, const struct aggregate_source *source,
		bool count_processes)
{
	struct stack_groups groups;
	int err = stack_groups__make(&groups, processes, nr_processes, &source->reader);

	if (!err)
		err = fill_top(shown, &groups, top, source);
	for (size_t i = 0; i < shown->nr_stacks && count_processes && !err; i++)
		shown->stacks[i].nr_processes = stack_group__nr_processes(&groups.list[i]);
	stack_groups__free(&groups);
	return err;
}

int aggregate__fill(struct process_report *report, const struct snapshot *snapshot, uint64_t top,
		    bool part, const struct aggregate_source *source)
{
	struct process_sites process = {
		.snapshot = *snapshot,
		.mappings = source->mappings,
		.code = source->code,
		.held_bytes = report->held_bytes,
		.held_blocks = report->held_blocks,
		.lost_stacks = losses__sum(&report->lost, LOSS_OF_STACKS) && !part,
	};
	struct top_stacks shown = { 0 };
	int err = fill(&shown, &process, 1, top, source, false);

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

int aggregate__fill_ranking(struct ranking_report *report, const struct process_sites *processes,
			    size_t nr_processes, uint64_t top,
			    const struct aggregate_source *source)
{
	struct top_stacks shown = { 0 };
	int err = fill(&shown, processes, nr_processes, top, source, true);

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
