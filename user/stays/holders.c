// SPDX-License-Identifier: GPL-2.0
/* See holders.h. A record for each descriptor and each mapping comes in, process by process. */
#include "stays/holders.h"

#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/search.h"

#define MAX_HOLDERS 262144

static int by_object_and_process(const void *a, const void *b)
{
	const struct holder *left = a, *right = b;

	if (left->device != right->device)
		return left->device < right->device ? -1 : 1;
	if (left->inode != right->inode)
		return left->inode < right->inode ? -1 : 1;
	if (left->sysv != right->sysv)
		return left->sysv < right->sysv ? -1 : 1;
	return left->tgid < right->tgid ? -1 : left->tgid > right->tgid;
}

int holders__add(struct holders *holders, const struct holder *holder)
{
	int err;

	/* The mappings of one file by one process most often follow each other. */
	if (holders->nr && !by_object_and_process(&holders->list[holders->nr - 1], holder)) {
		holders->list[holders->nr - 1].ways |= holder->ways;
		return 0;
	}
	if (holders->nr == MAX_HOLDERS)
		return -ENOSPC;
	err = array__reserve(&holders->list, &holders->capacity, holders->nr + 1);
	if (err)
		return err;
	holders->list[holders->nr++] = *holder;
	return 0;
}

void holders__sort(struct holders *holders)
{
	if (holders->nr)
		qsort(holders->list, holders->nr, sizeof(*holders->list), by_object_and_process);
}

static size_t lower_bound(const struct holders *holders, const struct holder *wanted)
{
	return search__nr_before(holders->nr, at,
				 by_object_and_process(&holders->list[at], wanted) < 0);
}

struct holding holders__find(const struct holders *holders, const struct shared_object *object,
			     pid_t except)
{
	const struct holder wanted = {
		.device = file_key__device(&object->file),
		.inode = object->file.inode,
	};
	bool sysv = object->kind == SHARED_SYSV;
	struct holding holding = { 0 };
	uint32_t last = 0;

	for (size_t i = lower_bound(holders, &wanted); i < holders->nr; i++) {
		const struct holder *holder = &holders->list[i];

		if (holder->device != wanted.device || holder->inode != wanted.inode)
			break;
		/* A tmpfs file may have any name, also one like a segment's. */
		if (holder->tgid == (uint32_t)except ||
		    (object->kind != SHARED_FILE && !holder->sysv == sysv))
			continue;
		if (holder->tgid != last)
			holding.nr_processes++;
		last = holder->tgid;
		if (holding.nr_processes > 1)
			continue;
		holding.first = (pid_t)holder->tgid;
		holding.open |= holder->ways & HOLDING_OPEN;
		holding.mapped |= (holder->ways & HOLDING_MAPPED) != 0;
		holding.bytes = holder->bytes;
	}
	return holding;
}

void holders__clear(struct holders *holders)
{
	holders->nr = 0;
}

void holders__free(struct holders *holders)
{
	free(holders->list);
	*holders = (struct holders){ 0 };
}
