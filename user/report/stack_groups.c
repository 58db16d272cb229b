// SPDX-License-Identifier: GPL-2.0
/* See stack_groups.h. */
#include "report/stack_groups.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

static int compare(uint64_t left, uint64_t right)
{
	return left < right ? -1 : left > right;
}

/*
 * A place is the same in two processes at the same offset of the same file; without a file, at the
 * same address.
 */
static int compare_places(const struct frame_place *left, const struct frame_place *right)
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
	const struct stack_group *left = a, *right = b;
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
	const struct stack_group *left = a, *right = b;

	if (left->bytes != right->bytes)
		return left->bytes > right->bytes ? -1 : 1;
	if (left->blocks != right->blocks)
		return left->blocks > right->blocks ? -1 : 1;
	return by_frames(a, b);
}

static void place_by_file(struct frame_place *place, const struct unwind_file_key *key,
			  uint64_t offset)
{
	place->has_file = true;
	place->offset = offset;
	place->file = file_key__of_device(key->device, key->inode);
	place->file.generation = key->generation;
}

static void place_by_address(struct frame_place *place, uint64_t address,
			     const struct process_sites *process)
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
static int copy_frames(struct stack_group *group, const struct stack *stack,
		       const struct process_sites *process, const struct stack_reader *reader)
{
	uint32_t nr = stack->nr_frames < WIRE_MAX_FRAMES ? stack->nr_frames : WIRE_MAX_FRAMES;
	struct frame_place places[WIRE_MAX_FRAMES] = { 0 };

	group->end = stack->end < NR_STACK_ENDS ? stack->end : STACK_BAD_RULE;
	for (uint32_t i = 0; i < nr; i++) {
		struct frame_place *place = &places[group->nr_frames];
		uint64_t offset = stack->frames[i] & WIRE_FRAME_OFFSET_MASK;
		uint32_t id = (uint32_t)(stack->frames[i] >> WIRE_FRAME_FILE_SHIFT);
		const struct unwind_file_key *key =
			reader->tables ? unwind_tables__file(reader->tables, id) : NULL;

		place->exact = stack->frames[i] & WIRE_FRAME_EXACT;
		if (key)
			place_by_file(place, key, offset);
		else
			place_by_address(place, offset, process);
		if (i && !key && !place->map) {
			group->end = STACK_NO_CODE;
			break;
		}
		group->nr_frames++;
	}
	group->frames = calloc(group->nr_frames ? group->nr_frames : 1, sizeof(*group->frames));
	if (!group->frames)
		return -ENOMEM;
	memcpy(group->frames, places, group->nr_frames * sizeof(*places));
	return 0;
}

static int group_site(struct stack_group *group, const struct group_origin *origin,
		      const struct process_sites *process, const struct stack_reader *reader)
{
	struct stack stack;

	group->bytes = origin->site->bytes;
	group->blocks = origin->site->blocks;
	group->origins = calloc(1, sizeof(*origin));
	if (!group->origins)
		return -ENOMEM;
	group->origins_capacity = 1;
	group->origins[group->nr_origins++] = *origin;
	if (reader->read_stack(origin->site->stack_id, &stack, reader->context))
		return 0; /* not kept: no frames */
	return copy_frames(group, &stack, process, reader);
}

/* Adds the second to the first, which has the same frames. */
static int fold(struct stack_group *into, struct stack_group *from)
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
static int fold_equals(struct stack_group *groups, size_t *nr)
{
	size_t kept = 0;

	qsort(groups, *nr, sizeof(*groups), by_frames);
	for (size_t i = 1; i < *nr; i++) {
		if (by_frames(&groups[kept], &groups[i])) {
			struct stack_group moved = groups[i];

			groups[i] = (struct stack_group){ 0 };
			groups[++kept] = moved;
			continue;
		}
		if (fold(&groups[kept], &groups[i]))
			return -ENOMEM;
		free(groups[i].frames);
		free(groups[i].origins);
		groups[i] = (struct stack_group){ 0 };
	}
	*nr = kept + 1;
	return 0;
}

/*
 * Finds the blocks that are held but in no site. The counters are read one after the other while
 * others run, so the sites can also hold more.
 */
static void find_unlisted(const struct process_sites *process, struct snapshot_site *unlisted)
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

static int group_process(struct stack_group *groups, size_t *nr,
			 const struct process_sites *process, const struct snapshot_site *unlisted,
			 size_t number, const struct stack_reader *reader)
{
	const struct snapshot *snapshot = &process->snapshot;
	int err = 0;

	for (size_t i = 0; i < snapshot->nr_sites && !err; i++) {
		struct group_origin origin = { &snapshot->sites[i], number };

		err = group_site(&groups[(*nr)++], &origin, process, reader);
	}
	if (!err && unlisted->blocks) {
		struct group_origin origin = { unlisted, number };

		err = group_site(&groups[(*nr)++], &origin, process, reader);
	}
	return err;
}

int stack_groups__make(struct stack_groups *groups, const struct process_sites *processes,
		       size_t nr_processes, const struct stack_reader *reader)
{
	size_t capacity = 1;
	int err = 0;

	for (size_t i = 0; i < nr_processes; i++)
		capacity += processes[i].snapshot.nr_sites + 1;
	groups->nr = 0;
	groups->unlisted = calloc(nr_processes + 1, sizeof(*groups->unlisted));
	groups->list = groups->unlisted ? calloc(capacity, sizeof(*groups->list)) : NULL;
	if (!groups->list)
		return -ENOMEM;
	for (size_t i = 0; i < nr_processes && !err; i++) {
		find_unlisted(&processes[i], &groups->unlisted[i]);
		err = group_process(groups->list, &groups->nr, &processes[i], &groups->unlisted[i],
				    i, reader);
	}
	if (err || !groups->nr)
		return err;
	err = fold_equals(groups->list, &groups->nr);
	if (!err)
		qsort(groups->list, groups->nr, sizeof(*groups->list), by_bytes);
	return err;
}

void stack_groups__free(struct stack_groups *groups)
{
	for (size_t i = 0; i < groups->nr; i++) {
		free(groups->list[i].frames);
		free(groups->list[i].origins);
	}
	free(groups->list);
	free(groups->unlisted);
	*groups = (struct stack_groups){ 0 };
}

/* The finalizer of splitmix64 (Steele, Lea, Flood, OOPSLA 2014), over a sum of both. */
static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash += word + 0x9e3779b97f4a7c15ULL;
	hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9ULL;
	hash = (hash ^ hash >> 27) * 0x94d049bb133111ebULL;
	return hash ^ hash >> 31;
}

static void mix_both(struct stack_hash *hash, uint64_t word)
{
	hash->word[0] = mix(hash->word[0], word);
	hash->word[1] = mix(hash->word[1], ~word);
}

struct stack_hash stack_group__hash(const struct stack_group *group)
{
	struct stack_hash hash = { { group->nr_frames, 1 } };

	mix_both(&hash, group->nr_frames && group->end != STACK_COMPLETE);
	for (uint32_t i = 0; i < group->nr_frames; i++) {
		const struct frame_place *place = &group->frames[i];

		mix_both(&hash, place->has_file ? place->file.inode : 0);
		if (place->has_file) {
			mix_both(&hash,
				 (uint64_t)place->file.dev_major << 32 | place->file.dev_minor);
			mix_both(&hash, place->offset << 1 | place->exact);
		} else {
			mix_both(&hash, (uintptr_t)place->code);
			mix_both(&hash, place->address);
		}
	}
	return hash;
}

static int by_growth(const void *a, const void *b)
{
	const struct stack_group *left = a, *right = b;

	if (left->growth.bytes != right->growth.bytes)
		return left->growth.bytes > right->growth.bytes ? -1 : 1;
	return by_bytes(a, b);
}

static int by_old(const void *a, const void *b)
{
	const struct stack_group *left = a, *right = b;
	int order = compare(right->growth.old_bytes, left->growth.old_bytes);

	return order ? order : by_bytes(a, b);
}

static int by_blocks(const void *a, const void *b)
{
	const struct stack_group *left = a, *right = b;
	int order = compare(right->blocks, left->blocks);

	return order ? order : by_bytes(a, b);
}

static int by_rate(const void *a, const void *b)
{
	const struct stack_group *left = a, *right = b;

	if (left->growth.long_bytes != right->growth.long_bytes)
		return left->growth.long_bytes > right->growth.long_bytes ? -1 : 1;
	return by_bytes(a, b);
}

void stack_groups__sort(struct stack_groups *groups, enum stack_order order)
{
	static int (*const orders[NR_STACK_ORDERS])(const void *a, const void *b) = {
		[ORDER_HELD] = by_bytes,    [ORDER_GROWTH] = by_growth, [ORDER_OLD] = by_old,
		[ORDER_BLOCKS] = by_blocks, [ORDER_RATE] = by_rate,
	};

	if (groups->nr)
		qsort(groups->list, groups->nr, sizeof(*groups->list), orders[order]);
}

/* Origins come in the order of their processes, but for what fold() has appended. */
static int by_process(const void *a, const void *b)
{
	const struct group_origin *left = a, *right = b;

	return compare(left->process, right->process);
}

unsigned int stack_group__nr_processes(struct stack_group *group)
{
	unsigned int nr = 0;

	qsort(group->origins, group->nr_origins, sizeof(*group->origins), by_process);
	for (size_t i = 0; i < group->nr_origins; i++)
		nr += !i || group->origins[i].process != group->origins[i - 1].process;
	return nr;
}
