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
int aggregate__name(struct report_stack *report, const struct stack_group *group,
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

int aggregate__list_blocks(struct report_stack *report, const struct stack_group *group,
			   uint64_t now_ns)
{
	size_t capacity = 0;
	int err = 0;

	for (size_t i = 0; i < group->nr_origins && !err; i++)
		err = copy_blocks(report, &capacity, group->origins[i].site, now_ns);
	return err;
}

static int fill_stack(struct report_stack *report, const struct stack_group *group,
		      const struct aggregate_source *source)
{
	int err = aggregate__name(report, group, source);

	report->bytes = group->bytes;
	report->blocks = group->blocks;
	report->growth = group->growth;
	return err ? err : aggregate__list_blocks(report, group, source->now_ns);
}

void aggregate__free(struct report_stacks *stacks)
{
	for (size_t i = 0; i < stacks->nr; i++) {
		free(stacks->list[i].frames);
		free(stacks->list[i].block_list);
	}
	free(stacks->list);
	*stacks = (struct report_stacks){ 0 };
}

/* What comes first by growth or age can be told only where these are known. */
static enum stack_order possible_order(const struct aggregate_request *request,
				       const struct report_stacks *stacks)
{
	switch (request->order) {
	case ORDER_GROWTH:
	case ORDER_RATE:
		return stacks->since_s > 0 ? request->order : ORDER_HELD;
	case ORDER_OLD:
		return stacks->since_s > 0 && request->births ? ORDER_OLD : ORDER_HELD;
	default:
		return request->order;
	}
}

static int compare_with_last(struct report_stacks *stacks, struct stack_groups *groups,
			     uint64_t serial, const struct process_sites *processes,
			     const struct aggregate_request *request)
{
	struct growth_subject subject = {
		.serial = serial,
		.began_ns = request->began_ns,
		.processes = processes,
		.births = request->births,
	};
	int err = 0;

	*stacks = (struct report_stacks){ 0 };
	if (request->growth)
		err = growth__note(request->growth, &subject, groups, stacks);
	stacks->order = possible_order(request, stacks);
	if (!err)
		stack_groups__sort(groups, stacks->order);
	return err;
}

static void add_group(struct stack_sum *sum, const struct stack_group *group)
{
	sum->stacks++;
	sum->bytes += group->bytes;
	sum->blocks += group->blocks;
}

/* Sums up the groups that are cut, and those that have not grown. */
static void sum_up(struct report_stacks *stacks, const struct stack_groups *groups, size_t nr_shown)
{
	for (size_t i = 0; i < groups->nr; i++) {
		const struct stack_group *group = &groups->list[i];
		bool steady = stacks->order == ORDER_GROWTH && group->growth.bytes <= 0;

		if (i >= nr_shown)
			add_group(&stacks->more, group);
		if (!steady)
			continue;
		add_group(&stacks->steady, group);
		stacks->steady_growth_bytes += group->growth.bytes;
		if (i >= nr_shown)
			add_group(&stacks->more_steady, group);
	}
}

/* Shows the first `top` groups, and sums the others. Leaves no stacks after an error. */
static int fill(struct report_stacks *stacks, const struct stack_groups *groups, uint64_t top,
		const struct aggregate_source *source)
{
	size_t nr_shown = groups->nr < top ? groups->nr : (size_t)top;
	int err = 0;

	symbolizer__begin_report(source->symbolizer);
	stacks->list = calloc(nr_shown ? nr_shown : 1, sizeof(*stacks->list));
	if (!stacks->list)
		return -ENOMEM;
	for (size_t i = 0; i < nr_shown && !err; i++)
		err = fill_stack(&stacks->list[stacks->nr++], &groups->list[i], source);
	sum_up(stacks, groups, nr_shown);
	if (err)
		aggregate__free(stacks);
	return err;
}

static void count_walks(uint64_t walks[NR_STACK_ENDS], const struct stack_groups *groups)
{
	memset(walks, 0, NR_STACK_ENDS * sizeof(*walks));
	for (size_t i = 0; i < groups->nr; i++)
		if (groups->list[i].nr_frames)
			walks[groups->list[i].end]++;
}

int aggregate__fill(struct process_report *report, const struct snapshot *snapshot, uint64_t serial,
		    const struct aggregate_request *request, const struct aggregate_source *source)
{
	struct process_sites process = {
		.serial = serial,
		.snapshot = *snapshot,
		.mappings = source->mappings,
		.code = source->code,
		.held_bytes = report->held_bytes,
		.held_blocks = report->held_blocks,
		.lost_stacks = losses__sum(&report->lost, LOSS_OF_STACKS) && !request->part,
	};
	struct stack_groups groups;
	int err = stack_groups__make(&groups, &process, 1, &source->reader);

	if (!err)
		err = compare_with_last(&report->stacks, &groups, serial, &process, request);
	if (!err)
		err = fill(&report->stacks, &groups, request->top, source);
	if (!err)
		count_walks(report->walks, &groups);
	stack_groups__free(&groups);
	return err;
}

int aggregate__fill_ranking(struct ranking_report *report, const struct process_sites *processes,
			    size_t nr_processes, const struct aggregate_request *request,
			    const struct aggregate_source *source)
{
	struct report_stacks *stacks = &report->stacks;
	struct stack_groups groups;
	int err = stack_groups__make(&groups, processes, nr_processes, &source->reader);

	if (!err)
		err = compare_with_last(stacks, &groups, 0, processes, request);
	if (!err)
		err = fill(stacks, &groups, request->top, source);
	for (size_t i = 0; i < stacks->nr && !err; i++)
		stacks->list[i].nr_processes = stack_group__nr_processes(&groups.list[i]);
	stack_groups__free(&groups);
	return err;
}
