// SPDX-License-Identifier: GPL-2.0
/* See growth.h. Used by reporter.c and aggregate.c. */
#include "report/growth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/search.h"

/* What a stack held at the reports that are remembered, oldest first. */
struct record {
	uint64_t subject; /* serial */
	struct stack_hash stack; /* all 0: the whole process */
	uint64_t held[BIRTHS_MAX_REPORTS];
	uint64_t born[BIRTHS_MAX_REPORTS]; /* allocated since the report before, and held */
	uint64_t blocks; /* at the last of them */
	figure anon_bytes; /* of a whole process: at the last of them */
	/* At the report that is being made; it becomes the last of the others when that has ended. */
	uint64_t now_bytes, now_born;
	bool is_noted; /* in the report that is being made, too */
};

struct growth {
	uint64_t times_ns[BIRTHS_MAX_REPORTS]; /* of the earlier reports, oldest first */
	size_t nr_times;
	uint64_t now_ns; /* of the report that is being made; 0: none yet */
	struct record *last; /* at the reports before; sorted */
	size_t nr_last;
	struct record *noted; /* at this report, in no order */
	size_t nr_noted, capacity;
};

struct growth *growth__new(void)
{
	return calloc(1, sizeof(struct growth));
}

void growth__free(struct growth *growth)
{
	if (!growth)
		return;
	free(growth->last);
	free(growth->noted);
	free(growth);
}

static int compare(uint64_t left, uint64_t right)
{
	return left < right ? -1 : left > right;
}

static int by_subject_and_stack(const void *a, const void *b)
{
	const struct record *left = a, *right = b;
	int order = compare(left->subject, right->subject);

	if (!order)
		order = compare(left->stack.word[0], right->stack.word[0]);
	return order ? order : compare(left->stack.word[1], right->stack.word[1]);
}

static void forget_oldest(uint64_t values[BIRTHS_MAX_REPORTS])
{
	memmove(values, values + 1, (BIRTHS_MAX_REPORTS - 1) * sizeof(*values));
}

void growth__begin(struct growth *growth, uint64_t now_ns)
{
	bool is_full = growth->nr_times == BIRTHS_MAX_REPORTS;

	if (growth->now_ns) {
		if (is_full)
			forget_oldest(growth->times_ns);
		growth->nr_times -= is_full;
		growth->times_ns[growth->nr_times] = growth->now_ns;
		for (size_t i = 0; i < growth->nr_noted; i++) {
			struct record *record = &growth->noted[i];

			if (is_full) {
				forget_oldest(record->held);
				forget_oldest(record->born);
			}
			record->held[growth->nr_times] = record->now_bytes;
			record->born[growth->nr_times] = record->now_born;
		}
		growth->nr_times++;
	}
	free(growth->last);
	growth->last = growth->noted;
	growth->nr_last = growth->nr_noted;
	if (growth->nr_last)
		qsort(growth->last, growth->nr_last, sizeof(*growth->last), by_subject_and_stack);
	growth->noted = NULL;
	growth->nr_noted = growth->capacity = 0;
	growth->now_ns = now_ns;
}

size_t growth__times(const struct growth *growth, const uint64_t **times_ns)
{
	*times_ns = growth->times_ns;
	return growth->nr_times;
}

static struct record *find_last(const struct growth *growth, uint64_t subject,
				struct stack_hash stack)
{
	struct record key = { .subject = subject, .stack = stack };

	if (!growth->nr_last)
		return NULL;
	return bsearch(&key, growth->last, growth->nr_last, sizeof(key), by_subject_and_stack);
}

/* Whether the report before this one told of all that the subject held then. */
static bool was_told(const struct growth *growth, const struct growth_subject *subject)
{
	const struct stack_hash whole = { { 0 } };

	return growth->nr_times && (subject->began_ns > growth->times_ns[growth->nr_times - 1] ||
				    find_last(growth, subject->serial, whole));
}

/* Notes what is held now, after what was held before. NULL when there is no memory. */
static struct record *note(struct growth *growth, const struct growth_subject *subject,
			   struct stack_hash stack, uint64_t bytes, uint64_t blocks)
{
	struct record *last = find_last(growth, subject->serial, stack), *record;

	if (array__reserve(&growth->noted, &growth->capacity, growth->nr_noted + 1))
		return NULL;
	record = &growth->noted[growth->nr_noted++];
	*record = (struct record){ .subject = subject->serial, .stack = stack };
	if (last) {
		*record = *last;
		last->is_noted = true;
	} else if (!was_told(growth, subject)) {
		/* It may have held this for long. */
		for (size_t i = 0; i < growth->nr_times; i++)
			record->held[i] = bytes;
	}
	record->is_noted = false;
	record->now_bytes = bytes;
	record->now_born = 0;
	record->blocks = blocks;
	return record;
}

static struct report_growth compare_with_last(const struct growth *growth,
					      const struct growth_subject *subject,
					      struct stack_hash stack, uint64_t bytes,
					      uint64_t blocks)
{
	const struct record *last = find_last(growth, subject->serial, stack);
	size_t nr = growth->nr_times;

	if (!was_told(growth, subject))
		return (struct report_growth){ 0 };
	return (struct report_growth){
		.known = true,
		.bytes = (int64_t)(bytes - (last ? last->held[nr - 1] : 0)),
		.blocks = (int64_t)(blocks - (last ? last->blocks : 0)),
		.long_bytes = (int64_t)(bytes - (last ? last->held[0] : 0)),
	};
}

/* Sums up when the group's blocks were allocated. */
static struct birth_sums sum_births(const struct growth_subject *subject,
				    const struct stack_group *group)
{
	struct birth_sums sums = { { 0 } };

	for (size_t i = 0; i < group->nr_origins; i++) {
		const struct group_origin *origin = &group->origins[i];
		const struct birth_sums *births =
			births__find(subject->births, subject->processes[origin->process].serial,
				     origin->site->stack_id);

		for (size_t j = 0; births && j <= BIRTHS_MAX_REPORTS; j++)
			sums.in[j] += births->in[j];
	}
	return sums;
}

/*
 * births->in[j], for j of 1 to nr - 1, are the blocks of the interval that ended with the report j:
 * record->born[j] is what it had left at that report.
 */
static void compare_births(struct report_growth *result, const struct birth_sums *births,
			   struct record *record, size_t nr)
{
	result->has_ages = true;
	for (size_t j = 0; j < nr; j++)
		result->old_bytes += births->in[j];
	for (size_t j = 1; j < nr; j++) {
		uint64_t born = record->born[j], left = births->in[j];

		result->born_bytes += born;
		result->survived_bytes += left < born ? left : born;
	}
	record->now_born = births->in[nr];
}

static bool held_any(const struct record *record, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (record->held[i])
			return true;
	return false;
}

/*
 * Stacks that hold nothing now are remembered as long as they held something at a report that is:
 * else they would be new when they are seen again.
 */
static int note_gone(struct growth *growth, const struct growth_subject *subject,
		     struct report_stacks *stacks)
{
	size_t nr = growth->nr_times;
	size_t first =
		search__nr_before(growth->nr_last, at, growth->last[at].subject < subject->serial);
	const struct stack_hash whole = { { 0 } };

	for (size_t i = first; i < growth->nr_last && growth->last[i].subject == subject->serial;
	     i++) {
		const struct record *record = &growth->last[i];

		if (record->is_noted || !memcmp(&record->stack, &whole, sizeof(whole)))
			continue;
		stacks->steady_growth_bytes -= (int64_t)record->held[nr - 1];
		if (held_any(record, nr) && !note(growth, subject, record->stack, 0, 0))
			return -ENOMEM;
	}
	return 0;
}

static double seconds_since(const struct growth *growth, size_t report)
{
	return (double)(growth->now_ns - growth->times_ns[report]) / (double)NS_PER_S;
}

double growth__since_s(const struct growth *growth)
{
	return growth->nr_times ? seconds_since(growth, growth->nr_times - 1) : 0;
}

int growth__note(struct growth *growth, const struct growth_subject *subject,
		 struct stack_groups *groups, struct report_stacks *stacks)
{
	size_t nr = growth->nr_times;
	bool told = was_told(growth, subject);

	for (size_t i = 0; i < groups->nr; i++) {
		struct stack_group *group = &groups->list[i];
		struct stack_hash stack = stack_group__hash(group);
		struct record *record = note(growth, subject, stack, group->bytes, group->blocks);

		if (!record)
			return -ENOMEM;
		group->growth =
			compare_with_last(growth, subject, stack, group->bytes, group->blocks);
		if (subject->births && nr) {
			struct birth_sums births = sum_births(subject, group);

			compare_births(&group->growth, &births, record, nr);
		}
	}
	if (!told)
		return 0;
	stacks->since_s = growth__since_s(growth);
	stacks->long_s = seconds_since(growth, 0);
	return note_gone(growth, subject, stacks);
}

struct report_growth growth__note_process(struct growth *growth,
					  const struct growth_subject *subject, uint64_t bytes,
					  uint64_t blocks, figure anon_bytes)
{
	const struct stack_hash whole = { { 0 } };
	const struct record *last = find_last(growth, subject->serial, whole);
	struct report_growth result = compare_with_last(growth, subject, whole, bytes, blocks);
	/* Without memory for it, the next report does not know what this one told. */
	struct record *record = note(growth, subject, whole, bytes, blocks);

	result.anon_bytes = FIGURE_UNKNOWN;
	if (last && last->anon_bytes != FIGURE_UNKNOWN && anon_bytes != FIGURE_UNKNOWN)
		result.anon_bytes = anon_bytes - last->anon_bytes;
	if (record)
		record->anon_bytes = anon_bytes;
	return result;
}

uint64_t growth__held_before(const struct growth *growth, uint64_t serial)
{
	const struct stack_hash whole = { { 0 } };
	const struct record *last = find_last(growth, serial, whole);

	return last ? last->held[growth->nr_times - 1] : 0;
}

bool growth__looks_like_leak(const struct report_growth *growth)
{
	return growth->known && growth->has_ages && growth->bytes > 0 && growth->born_bytes &&
	       growth->survived_bytes >= growth->born_bytes / 10 * 9 &&
	       growth->long_bytes >= (int64_t)(growth->survived_bytes / 2);
}
