// SPDX-License-Identifier: GPL-2.0
/*
 * See monitor_state.h. The upkeep of a long run, for which no report waits: makes room in the maps,
 * forgets files and processes, retries files that may be readable by now, and looks into new ones.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/table_limits.h"
#include "books/dead_sweep.h"
#include "books/snapshot.h"
#include "books/stacks.h"
#include "elf/patient_open.h"
#include "monitor_state.h"
#include "process_sweep.h"

/* Processes that are gone, and files that nobody maps any more, are forgotten that often. */
#define FORGET_TICK_MS 5000
/* The maps are swept that often, if needed. */
#define SWEEP_TICK_MS 30000
/* Leftovers of ended spaces are swept that often even when nothing was lost. */
#define DEAD_TICK_NS 600000000000ULL
/* Room for unwind tables is made that often, if needed. */
#define TABLES_TICK_NS 60000000000ULL
/* Sweep when dead blocks take this part of the block map. */
#define SWEEP_PART 4

/*
 * Whether leftovers are to be swept: records of ends were lost, and with them the knowledge of what
 * else to delete. True now and then in any case, for losses that nobody has seen.
 */
static bool left_some_behind(struct monitor *monitor, uint64_t now_ns)
{
	struct upkeep *upkeep = &monitor->upkeep;
	uint64_t lost = snapshot__read_loss(monitor->maps, LOSS_ENDED_MAP_FULL);
	bool more = lost != upkeep->swept_lost_ends;

	upkeep->swept_lost_ends = lost;
	return more || now_ns - upkeep->swept_dead_ns >= DEAD_TICK_NS;
}

static void sweep(struct monitor *monitor)
{
	struct upkeep *upkeep = &monitor->upkeep;
	const struct tracer_maps *maps = monitor->maps;
	uint64_t now_ns = clock__monotonic_ns();
	bool dead = upkeep->dead_blocks > maps->max_blocks / SWEEP_PART;

	if (now_ns - upkeep->swept_stacks_ns >=
	    table_limits__of("sweep_ms", SWEEP_TICK_MS) * 1000000) {
		upkeep->swept_stacks_ns = now_ns;
		stacks__sweep(maps);
		dead |= left_some_behind(monitor, now_ns);
	}
	if (!dead)
		return;
	upkeep->swept_dead_ns = now_ns;
	dead_sweep__run(maps, &monitor->ended);
	upkeep->dead_blocks = 0;
}

struct mapped_files {
	struct file_set *set;
	int err;
};

static int add_mapped(const struct mapping *map, void *context)
{
	struct mapped_files *mapped = context;

	if (!mapped->err)
		mapped->err = file_set__add(mapped->set, &map->file);
	return mapped->err;
}

static void add_mapped_by(pid_t tgid, const struct image *newest, void *context)
{
	(void)tgid;
	for (const struct image *image = newest; image; image = image->older)
		mapping_set__each(image->mappings, add_mapped, context);
}

static bool tables_are_crowded(const struct monitor *monitor, uint64_t now_ns)
{
	return monitor->files.tables && unwind_tables__are_crowded(monitor->files.tables) &&
	       now_ns - monitor->upkeep.made_room_ns >= TABLES_TICK_NS;
}

static void make_room_for_tables(struct monitor *monitor, const struct file_set *mapped)
{
	struct unwind_tables *tables = monitor->files.tables;
	bool *in_use = calloc(UNWIND_MAX_IDS, sizeof(*in_use));
	int err = in_use ? unwind_tables__sweep(tables, mapped) : -ENOMEM;

	/* From here on, no new stack can get one of the freed IDs. */
	if (!err)
		err = stacks__mark_files(monitor->maps, in_use);
	if (!err)
		unwind_tables__reuse_ids(tables, in_use);
	if (err != -EAGAIN)
		log__detail("unwind tables of files that no process maps were dropped: %s",
			    err ? strerror(-err) : "there is room again");
	free(in_use);
}

/*
 * Sweeps files that nobody maps any more: a build makes, runs and deletes programs all day, and
 * file systems come and go.
 */
static void sweep_files(struct monitor *monitor)
{
	struct upkeep *upkeep = &monitor->upkeep;
	struct mapped_files mapped = { 0 };
	uint64_t now_ns = clock__monotonic_ns();
	bool crowded = tables_are_crowded(monitor, now_ns);
	bool follow = monitor->options->follow_children;

	mapped.set = file_set__new();
	if (mapped.set) {
		mapped.err = file_set__add(mapped.set, &monitor->files.vdso.file);
		processes__each(monitor->processes, add_mapped_by, &mapped);
		if (!mapped.err && (monitor->options->mode != MODE_COMMAND || follow) &&
		    !probed_files__sweep(monitor->probed, mapped.set))
			upkeep->forgot_ns = 0;
		if (!mapped.err)
			symbolizer__sweep(monitor->symbolizer, mapped.set);
		if (!mapped.err && crowded) {
			upkeep->made_room_ns = now_ns;
			make_room_for_tables(monitor, mapped.set);
		}
	}
	file_set__free(mapped.set);
}

/* Processes are forgotten first, since they hold their mappings. */
static void forget_processes_and_files(struct monitor *monitor)
{
	struct upkeep *upkeep = &monitor->upkeep;
	uint64_t now_ns = clock__monotonic_ns();

	if (now_ns - upkeep->forgot_ns < table_limits__of("forget_ms", FORGET_TICK_MS) * 1000000)
		return;
	upkeep->forgot_ns = now_ns;
	monitor_ends__find_missed(monitor);
	process_sweep__run(monitor->processes, monitor->records, monitor->maps, &monitor->ended);
	sweep_files(monitor);
}

static void look_at_written(int fd, const char *path, void *context)
{
	code_files__written(context, fd, path);
}

void monitor_upkeep__look_at_written(struct monitor *monitor)
{
	if (monitor->written)
		written_files__each(monitor->written, look_at_written, &monitor->files);
}

struct mapped_again {
	const struct code_files *files;
	pid_t tgid;
};

static int visit_again(struct mapping *map, void *context)
{
	const struct mapped_again *again = context;

	code_files__mapped(again->files, again->tgid, map, false);
	return 0;
}

static void look_at_files_of(pid_t tgid, const struct image *newest, void *context)
{
	struct mapped_again again = { .files = context, .tgid = tgid };

	mapping_set__identify(newest->mappings, visit_again, &again);
}

void monitor_upkeep__retry_files(struct monitor *monitor)
{
	if (patient_open__answers_again())
		processes__each(monitor->processes, look_at_files_of, &monitor->files);
}

void monitor_upkeep__run(struct monitor *monitor)
{
	sweep(monitor);
	forget_processes_and_files(monitor);
}
