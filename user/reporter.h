/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Puts a report together from what the other rooms know (the record of the address space, its
 * sites, its mappings, names, the verdict) and hands it to the chosen writer.
 */
#ifndef REPORTER_H
#define REPORTER_H

#include <stdio.h>

#include "probes/probe_paths.h"
#include "options.h"
#include "output/output.h"
#include "processes/processes.h"
#include "report/ranking.h"
#include "output/report_file.h"
#include "stays/shm_survivors.h"
#include "names/symbolize.h"
#include "probes/probed_files.h"
#include "probes/guard/translators.h"

struct reporter {
	const struct output_format *format;
	struct report_file *file;
	FILE *out; /* of file */
	const struct options *options;
	const struct tracer_maps *maps;
	struct processes *processes;
	struct probed_files *probed;
	struct symbolizer *symbolizer;
	struct translators *translators; /* NULL: not guarded */
	struct unwind_tables *tables; /* NULL: stacks are walked by frame pointers */
	struct ranking *ranking;
	uint64_t ready_ns; /* CLOCK_MONOTONIC, when all that is traced from the start was probed */
	unsigned int heads_columns; /* of the terminal when a table's heads were written last */
	struct shm_survivors *survivors;
	struct snapshot_blocks *gathered; /* of the processes that are reported next; or NULL */
	struct total_report total; /* grows with each exit report */
	bool after_known; /* total.after was taken at an end */
};

/* nr_processes: how many are traced from the start. */
void reporter__start(struct reporter *reporter, const struct features *features,
		     const struct probe_paths *paths, unsigned int nr_processes);
/*
 * Before spaces are reported, their single blocks are gathered, where the options need them: of the
 * first *nr at once, which is set to how many these are. Returns 0 or -errno: -EINTR when somebody
 * asks to stop.
 */
int reporter__gather(struct reporter *reporter, const struct space *spaces, size_t *nr);
void reporter__forget_gathered(struct reporter *reporter);

/* memory_gone: false when the process is gone but its memory is still in use. */
void reporter__exit(struct reporter *reporter, const struct space *space, bool memory_gone);
void reporter__outstanding(struct reporter *reporter, const struct space *space);
/* All that run: processes and stacks by what is held. */
void reporter__ranking(struct reporter *reporter, const struct space *spaces, size_t nr_spaces);
/* A running process that made no call yet: nothing is known of it but that. */
void reporter__nothing_yet(struct reporter *reporter, pid_t tgid);
void reporter__trace(struct reporter *reporter, const struct event *event);
void reporter__total(struct reporter *reporter);

/* Takes the machine's memory before anything runs. */
void reporter__note_before(struct reporter *reporter);
/*
 * Takes it at an end, before names are looked up: what that costs the tracer is not the process's
 * doing.
 */
void reporter__note_after(struct reporter *reporter);

#endif
