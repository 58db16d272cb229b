// SPDX-License-Identifier: GPL-2.0
/* See reported_system.h. Used by reporter.c. */
#include "reported_system.h"

#include <errno.h>
#include <stdlib.h>

#include "report/losses.h"

/* Copies what one process holds, from its sites or from the gathered blocks. */
static int read_process(const struct report_sources *sources, const struct space *space,
			const struct snapshot_request *request, struct process_sites *process)
{
	const struct image *image =
		processes__image(sources->processes, (pid_t)space->tgid, space->seen_ns);
	struct report_lost lost = { 0 };

	losses__add_space(&lost, space);
	process->serial = space->serial;
	process->mappings = image ? image->mappings : NULL;
	process->code = image ? image->code : NULL;
	process->held_bytes = space->held_bytes;
	process->held_blocks = space->held_blocks;
	process->lost_stacks = losses__sum(&lost, LOSS_OF_STACKS) && !request->allocated_before_ns;
	return snapshot__read(&process->snapshot, sources->maps, space, request);
}

/* Reads the processes that hold something. Free the first *nr, even after an error. */
static int read_processes(const struct report_sources *sources, const struct space *spaces,
			  size_t nr_spaces, uint64_t now_ns, struct process_sites *processes,
			  size_t *nr)
{
	struct snapshot_request request = report_sources__request(sources, now_ns);
	struct snapshot_blocks *blocks = NULL;
	int err = 0;

	if (report_sources__need_blocks(sources)) {
		blocks = snapshot__gather(sources->maps, spaces, nr_spaces);
		request.blocks = blocks;
		err = blocks ? 0 : -errno;
	}
	for (size_t i = 0; i < nr_spaces && !err; i++) {
		if (!spaces[i].held_blocks)
			continue;
		err = read_process(sources, &spaces[i], &request, &processes[*nr]);
		*nr += !err;
	}
	snapshot__free_blocks(blocks);
	return err;
}

int reported_system__fill(const struct report_sources *sources,
			  const struct system_history *history, const struct space *spaces,
			  size_t nr_spaces, uint64_t now_ns, struct ranking_report *report)
{
	struct aggregate_source source = report_sources__stacks(sources, NULL, now_ns);
	struct process_sites *processes = calloc(nr_spaces + 1, sizeof(*processes));
	struct aggregate_request shown = report_sources__shown(sources);
	const struct growth_subject all = { 0 };
	size_t nr = 0;
	int err;

	if (!processes)
		return -ENOMEM;
	err = read_processes(sources, spaces, nr_spaces, now_ns, processes, &nr);
	if (!err)
		err = ranking__fill(history->ranking, report, spaces, nr_spaces,
				    options__nr_shown(sources->options), shown.order);
	shown.growth = history->growth;
	shown.births = history->births;
	if (!err)
		err = aggregate__fill_ranking(report, processes, nr, &shown, &source);
	if (!err)
		growth__note_process(history->growth, &all, report->held_bytes, report->held_blocks,
				     FIGURE_UNKNOWN);
	for (size_t i = 0; i < nr; i++)
		snapshot__free(&processes[i].snapshot);
	free(processes);
	return err;
}
