// SPDX-License-Identifier: GPL-2.0
/*
 * See stacks.h. monitor_upkeep.c sweeps now and then; monitor_records.c finishes walks; reports
 * read.
 */
#include "books/stacks.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>

#include "base/array.h"

int stacks__read(const struct tracer_maps *maps, uint64_t stack_id, struct stack *stack)
{
	__u64 key = stack_id;

	if (stack_id == WIRE_STACK_UNKNOWN)
		return -ENOENT;
	return bpf_map_lookup_elem(maps->stacks, &key, stack);
}

int stacks__replace(const struct tracer_maps *maps, uint64_t stack_id, const struct stack *stack)
{
	return bpf_map_update_elem(maps->stacks, &stack_id, stack, BPF_EXIST) ? -errno : 0;
}

/* Stack ids, ascending once they were sorted. */
struct id_list {
	__u64 *id;
	size_t nr, capacity;
};

static int add_id(struct id_list *list, __u64 id)
{
	int err = array__reserve(&list->id, &list->capacity, list->nr + 1);

	if (err)
		return err;
	list->id[list->nr++] = id;
	return 0;
}

static int by_value(const void *a, const void *b)
{
	const __u64 *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

/*
 * Lists all stacks, a process's own too: one whose site found no room is not deleted with any
 * space. A walk of a map that is written to can begin anew, so it ends when it has seen more keys
 * than the map can hold.
 */
static int list_stacks(const struct tracer_maps *maps, struct id_list *list)
{
	__u64 key, *previous = NULL;
	int err = 0;

	while (!err && list->nr <= maps->max_stacks &&
	       !bpf_map_get_next_key(maps->stacks, previous, &key)) {
		previous = &key;
		err = add_id(list, key);
	}
	return err;
}

static int list_needed(const struct tracer_maps *maps, struct id_list *list)
{
	struct site_key key, *previous = NULL;
	int err = 0;

	while (!err && !bpf_map_get_next_key(maps->sites, previous, &key)) {
		previous = &key;
		err = add_id(list, key.stack_id);
	}
	if (list->nr)
		qsort(list->id, list->nr, sizeof(*list->id), by_value);
	return err;
}

int stacks__mark_files(const struct tracer_maps *maps, bool in_use[UNWIND_MAX_IDS])
{
	__u64 key, *previous = NULL;
	struct stack stack;

	/* The walk can begin anew as in list_stacks, but here a stack that was not seen matters. */
	for (size_t nr = 0; nr <= 2 * maps->max_stacks; nr++) {
		int err = bpf_map_get_next_key(maps->stacks, previous, &key);

		if (err)
			return err == -ENOENT ? 0 : err;
		previous = &key;
		if (bpf_map_lookup_elem(maps->stacks, &key, &stack))
			continue; /* it was deleted just now */
		for (size_t i = 0; i < stack.nr_frames && i < WIRE_MAX_FRAMES; i++)
			in_use[stack.frames[i] >> WIRE_FRAME_FILE_SHIFT] = true;
	}
	return -EAGAIN;
}

int stacks__sweep(const struct tracer_maps *maps)
{
	struct id_list stacks = { 0 }, needed = { 0 };
	int err = list_stacks(maps, &stacks);

	if (!err && stacks.nr > maps->max_stacks / 2) {
		err = list_needed(maps, &needed);
		for (size_t i = 0; i < stacks.nr && !err; i++)
			if (!needed.nr || !bsearch(&stacks.id[i], needed.id, needed.nr,
						   sizeof(*needed.id), by_value))
				bpf_map_delete_elem(maps->stacks, &stacks.id[i]);
	}
	free(stacks.id);
	free(needed.id);
	return err;
}
