// SPDX-License-Identifier: GPL-2.0
/*
 * See leak_stacks.h. Each kind is grouped by itself, so that a stack whose blocks are of two kinds
 * is two loss records, as in Valgrind. Suppressions look at names, so all records that they can
 * hide are named; else only what is shown.
 */
#include "report/leak_stacks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "report/suppressions.h"

/* Those that need work come first. */
static const enum leak_kind kinds_in_order[] = { LEAK_DEFINITE, LEAK_POSSIBLE, LEAK_INDIRECT,
						 LEAK_REACHABLE };

/* The loss records of one kind, before they are named. */
struct kind_records {
	struct snapshot snapshot; /* its sites are those of the kind, in the order of the request */
	const struct leak_site **sites; /* the same */
	struct stack_groups groups;
	struct report_stack *list; /* one for each group */
};

static void free_records(struct kind_records *records)
{
	for (size_t i = 0; records->list && i < records->groups.nr; i++) {
		free(records->list[i].frames);
		free(records->list[i].block_list);
	}
	stack_groups__free(&records->groups);
	free(records->snapshot.sites);
	free(records->sites);
	free(records->list);
}

static int take_sites(struct kind_records *records, enum leak_kind kind,
		      const struct leak_stacks_request *request)
{
	struct snapshot *snapshot = &records->snapshot;

	snapshot->sites = calloc(request->nr_sites + 1, sizeof(*snapshot->sites));
	records->sites = calloc(request->nr_sites + 1, sizeof(*records->sites));
	if (!snapshot->sites || !records->sites)
		return -ENOMEM;
	for (size_t i = 0; i < request->nr_sites; i++) {
		const struct leak_site *site = &request->sites[i];

		if (site->kind != kind)
			continue;
		records->sites[snapshot->nr_sites] = site;
		snapshot->sites[snapshot->nr_sites++] = (struct snapshot_site){
			.stack_id = site->stack_id,
			.bytes = site->own.bytes,
			.blocks = site->own.blocks,
			.block_list = site->block_list,
			.nr_block_list = site->nr_block_list,
		};
	}
	return 0;
}

/* Sums what the sites of a group say beyond their blocks. */
static void sum_group(struct report_stack *stack, const struct kind_records *records,
		      const struct stack_group *group)
{
	stack->bytes = group->bytes;
	stack->blocks = group->blocks;
	for (size_t i = 0; i < group->nr_origins; i++) {
		const struct leak_site *site =
			records->sites[group->origins[i].site - records->snapshot.sites];

		stack->indirect_bytes += site->indirect.bytes;
		stack->indirect_blocks += site->indirect.blocks;
		stack->growth_bytes += site->growth_bytes;
		stack->growth_blocks += site->growth_blocks;
	}
}

static int group_kind(struct kind_records *records, enum leak_kind kind,
		      const struct leak_stacks_request *request,
		      const struct aggregate_source *source, uint64_t walks[NR_STACK_ENDS])
{
	struct process_sites process = { .mappings = source->mappings, .code = source->code };
	int err = take_sites(records, kind, request);

	if (err)
		return err;
	process.snapshot = records->snapshot;
	err = stack_groups__make(&records->groups, &process, 1, &source->reader);
	if (err)
		return err;
	records->list = calloc(records->groups.nr + 1, sizeof(*records->list));
	if (!records->list)
		return -ENOMEM;
	for (size_t i = 0; i < records->groups.nr; i++) {
		const struct stack_group *group = &records->groups.list[i];

		records->list[i].kind = kind;
		sum_group(&records->list[i], records, group);
		if (group->nr_frames)
			walks[group->end]++;
	}
	return 0;
}

/*
 * Names the records of a kind, where the caller needs names, and counts them. Those that are
 * suppressed lose their blocks, which marks them.
 */
static int count_records(struct kind_records *records, enum leak_kind kind,
			 struct report_leaks *leaks, const struct leak_stacks_request *request,
			 const struct aggregate_source *source)
{
	bool suppressed = request->suppressions &&
			  (leaks->shown_kinds | request->error_kinds) & LEAK_KIND_BIT(kind);

	for (size_t i = 0; i < records->groups.nr; i++) {
		struct report_stack *stack = &records->list[i];
		struct leak_sum sum = { stack->bytes, stack->blocks };
		int err;

		if (suppressed) {
			err = aggregate__name(stack, &records->groups.list[i], source);
			if (err)
				return err;
			if (suppressions__match(request->suppressions, kind, stack->frames,
						stack->nr_frames, &sum)) {
				leaks->suppressed.bytes += sum.bytes;
				leaks->suppressed.blocks += sum.blocks;
				stack->blocks = 0;
				continue;
			}
		}
		leaks->of_kind[kind].bytes += sum.bytes;
		leaks->of_kind[kind].blocks += sum.blocks;
		leaks->records[kind]++;
	}
	return 0;
}

struct record_order {
	const struct kind_records *records;
	bool by_growth;
};

static int compare(uint64_t left, uint64_t right)
{
	return left < right ? -1 : left > right;
}

/* Orders indexes of records: the ones that grew, then the largest with what they take along. */
static int by_weight(const void *a, const void *b, void *context)
{
	const struct record_order *order = context;
	const struct report_stack *left = &order->records->list[*(const size_t *)a];
	const struct report_stack *right = &order->records->list[*(const size_t *)b];
	int64_t left_growth = left->growth_bytes > 0 ? left->growth_bytes : 0;
	int64_t right_growth = right->growth_bytes > 0 ? right->growth_bytes : 0;
	int result = 0;

	if (order->by_growth)
		result = compare((uint64_t)right_growth, (uint64_t)left_growth);
	if (!result)
		result = compare(right->bytes + right->indirect_bytes,
				 left->bytes + left->indirect_bytes);
	return result ? result : compare(*(const size_t *)a, *(const size_t *)b);
}

static int show_record(struct report_stacks *stacks, size_t *capacity, uint64_t top,
		       struct report_stack *stack, const struct stack_group *group,
		       const struct aggregate_source *source)
{
	int err;

	if (stacks->nr >= top) {
		stacks->more.stacks++;
		stacks->more.bytes += stack->bytes;
		stacks->more.blocks += stack->blocks;
		return 0;
	}
	err = stack->frames ? 0 : aggregate__name(stack, group, source);
	if (!err)
		err = aggregate__list_blocks(stack, group, source->now_ns);
	if (!err)
		err = array__reserve(&stacks->list, capacity, stacks->nr + 1);
	if (err)
		return err;
	stacks->list[stacks->nr++] = *stack;
	stack->frames = NULL; /* the report's now */
	stack->block_list = NULL;
	return 0;
}

static int show_records(struct report_stacks *stacks, size_t *capacity,
			struct kind_records *records, bool by_growth, uint64_t top,
			const struct aggregate_source *source)
{
	struct record_order order = { records, by_growth };
	size_t nr = records->groups.nr;
	size_t *indexes = calloc(nr + 1, sizeof(*indexes));
	int err = indexes ? 0 : -ENOMEM;

	for (size_t i = 0; i < nr && !err; i++)
		indexes[i] = i;
	if (!err)
		qsort_r(indexes, nr, sizeof(*indexes), by_weight, &order);
	for (size_t i = 0; i < nr && !err; i++) {
		struct report_stack *stack = &records->list[indexes[i]];

		if (stack->blocks)
			err = show_record(stacks, capacity, top, stack,
					  &records->groups.list[indexes[i]], source);
	}
	free(indexes);
	return err;
}

int leak_stacks__fill(struct process_report *report, struct report_leaks *leaks,
		      const struct leak_stacks_request *request,
		      const struct aggregate_source *source)
{
	struct report_stacks *stacks = &report->stacks;
	size_t capacity = 0;
	int err = 0;

	symbolizer__begin_report(source->symbolizer);
	*stacks = (struct report_stacks){ 0 };
	memset(report->walks, 0, sizeof(report->walks));
	for (size_t i = 0; i < sizeof(kinds_in_order) / sizeof(kinds_in_order[0]) && !err; i++) {
		enum leak_kind kind = kinds_in_order[i];
		struct kind_records records = { 0 };

		err = group_kind(&records, kind, request, source, report->walks);
		if (!err)
			err = count_records(&records, kind, leaks, request, source);
		if (!err && leaks->shown_kinds & LEAK_KIND_BIT(kind))
			err = show_records(stacks, &capacity, &records, leaks->since_s >= 0,
					   request->top, source);
		free_records(&records);
	}
	if (err)
		aggregate__free(stacks);
	return err;
}
